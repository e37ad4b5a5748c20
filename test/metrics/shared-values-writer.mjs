/** Publishes forever: all values the same, another with each time. */
import { parentPort, workerData } from "node:worker_threads";
import { SharedValuesWriter } from "../../dist/metrics/shared-values.js";

const words = new Int32Array(workerData);
const writer = new SharedValuesWriter(workerData);
for (let n = 1; ; n++) {
  writer.values.fill(n * 2 ** 32 + n / 1_000);
  writer.publish();
  // The next one comes after a while, as those of a shard do.
  for (let i = 0; i < 20_000; i++) Atomics.load(words, 0);
  if (n === 1) parentPort.postMessage("writing");
}
