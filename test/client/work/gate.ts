/** Workers of a test broker, and handlers that a test ends one by one. */
import { setImmediate as turn } from "node:timers/promises";
import { expect, onTestFinished } from "vitest";
import type { Client } from "../../../src/client/client.js";
import type { Message } from "../../../src/client/consume/message.js";
import type { QueueWorker } from "../../../src/client/work/queue-worker.js";
import type { WorkOptions } from "../../../src/client/work/work-options.js";
import { createTestBroker, type TestBroker, type TestBrokerOptions } from "../../../src/testing/index.js";
import { unhandledRejections } from "../unhandled-rejections.js";

export const TTR = 10_000;

/** The topic of all tests is `jobs`. When the test ends, no rejection was unhandled. */
export const open = async (
  options: TestBrokerOptions = {},
): Promise<{ readonly broker: TestBroker; readonly client: Client }> => {
  const broker = createTestBroker({ ttr: TTR, ...options });
  onTestFinished(() => broker.close());
  const unhandled = unhandledRejections();
  onTestFinished(() => expect(unhandled).toEqual([]));
  return { broker, client: await broker.connect() };
};

export const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i}`);

/** A handler whose runs a test ends one by one. */
export class Gate {
  readonly runs: { message: Message; signal: AbortSignal; end: () => void; fail: (error: unknown) => void }[] = [];
  readonly handler = (message: Message, { signal }: { signal: AbortSignal }): Promise<void> =>
    new Promise((end, fail) => void this.runs.push({ message, signal, end, fail }));

  /** Resolves when so many have begun. */
  async begun(count: number): Promise<void> {
    while (this.runs.length < count) await turn();
  }

  run(i: number): Gate["runs"][number] {
    const run = this.runs[i];
    if (run === undefined) throw new Error(`handler ${i} has not begun`);
    return run;
  }

  /** The code for which the signal of a run has fired; undefined: it has not. */
  code(i: number): unknown {
    return (this.run(i).signal.reason as { code?: unknown } | undefined)?.code;
  }
}

export const gated = async (client: Client, options?: WorkOptions): Promise<{ gate: Gate; worker: QueueWorker }> => {
  const gate = new Gate();
  return { gate, worker: await client.work("jobs", gate.handler, options) };
};

export const queueOf = async (client: Client) => (await client.stats("jobs")).queues[0];
