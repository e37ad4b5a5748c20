/**
 * What a load process can be told to do. It is prepared first, so that connecting and encoding are not measured, then
 * run once.
 */
export type Role<Params, Outcome> = (params: Params) => Promise<Prepared<Outcome>>;

export interface Prepared<Outcome> {
  run(): Promise<Outcome>;
}

/** What every role tells of its run. */
export interface Work {
  /** Messages carried out and confirmed. */
  readonly messages: number;
  /** From the first byte sent to the last confirmation received. */
  readonly seconds: number;
  /** User and system time of the load process, in microseconds. */
  readonly cpuMicros: number;
}

/** Measures the work that `run` does; `run` answers how many messages it was. */
export const timed = async (run: () => Promise<number>): Promise<Work> => {
  const cpu = process.cpuUsage();
  const start = performance.now();
  const messages = await run();
  const seconds = (performance.now() - start) / 1000;
  const used = process.cpuUsage(cpu);
  return { messages, seconds, cpuMicros: used.user + used.system };
};
