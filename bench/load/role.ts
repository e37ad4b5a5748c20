/**
 * The interface of a role, which is what a load process can do. A role is prepared first, so that connecting and encoding
 * are not measured, and then run once.
 */
export type Role<Params, Outcome> = (params: Params) => Promise<Prepared<Outcome>>;

export interface Prepared<Outcome> {
  run(): Promise<Outcome>;
}

/** What every role reports. */
export interface Work {
  /** Messages that were confirmed. */
  readonly messages: number;
  /** From the first byte sent to the last confirmation received. */
  readonly seconds: number;
  /** User and system time of the load process, in microseconds. */
  readonly cpuMicros: number;
}

/** Measures the work of `run`, which returns its number of messages. */
export const timed = async (run: () => Promise<number>): Promise<Work> => {
  const cpu = process.cpuUsage();
  const start = performance.now();
  const messages = await run();
  const seconds = (performance.now() - start) / 1000;
  const used = process.cpuUsage(cpu);
  return { messages, seconds, cpuMicros: used.user + used.system };
};
