/**
 * A program that works, as a user writes it. It is told by its parent how its handler behaves, and tells it what happens.
 *
 * `block`: milliseconds for which the handler blocks the event loop; Infinity is null in JSON: it never ends. `wait`: those for
 * which it waits. `thread`: "cannot start" makes the lease thread impossible, "dies" ends it when the first handler has begun.
 */
import { syncBuiltinESMExports } from "node:module";
import { setTimeout as pause } from "node:timers/promises";
import workerThreads from "node:worker_threads";
import { connect } from "../../dist/client/index.js";

const { url, options, topic, work = {}, block = 0, wait = 0, thread, count = 1 } = JSON.parse(process.argv[2] ?? "{}");

process.on("warning", ({ code }) => process.send({ warning: code }));
process.on("unhandledRejection", (error) => process.send({ unhandled: String(error) }));

const threads = [];
class Watched extends workerThreads.Worker {
  constructor(...args) {
    if (thread === "cannot start") throw new Error("there are no threads here");
    super(...args);
    threads.push(this);
  }
}
workerThreads.Worker = Watched;
syncBuiltinESMExports();

const client = await connect(url, options);
let left = count;
const worker = await client.work(
  topic,
  async (message, { signal }) => {
    process.send({ begun: message.text(), retry: message.retry });
    if (thread === "dies") await threads[0].terminate();
    // As a long computation does, but it takes no CPU time from others.
    if (block !== 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, block ?? Number.POSITIVE_INFINITY);
    await pause(wait);
    process.send({ ended: message.text(), aborted: signal.reason?.code ?? null });
    if (--left === 0) void finish();
  },
  work,
);
process.send({ ready: true });

const finish = async () => {
  await pause(0);
  await worker.close();
  await client.close();
  const { processed, failed, lost } = worker;
  process.send({ processed, failed, lost, threads: threads.filter(({ threadId }) => threadId !== -1).length });
  // Nothing keeps the process alive now.
  process.disconnect();
};
