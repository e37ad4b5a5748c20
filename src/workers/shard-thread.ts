/**
 * The thread of a shard: puts the pump together and runs it until it is told to stop. An error that is nobody's
 * request ends the thread loudly; the main thread starts another.
 */
import { parentPort, workerData } from "node:worker_threads";
import { RingReader } from "../channel/ring-reader.js";
import { RingWriter } from "../channel/ring-writer.js";
import { LENGTH_BYTES } from "../protocol/frame.js";
import { sharedIdSource } from "./id-clock.js";
import { memoryJournal, Pump } from "./pump.js";
import type { ShardMessage } from "./shard-messages.js";
import type { ShardThreadData } from "./shard-thread-data.js";

const data = workerData as ShardThreadData;

/** A monotonic clock on the scale of the wall clock's start: timers do not follow steps of the wall clock. */
const clock = (): number => performance.timeOrigin + performance.now();

parentPort?.postMessage({ kind: "ready", recovered: undefined } satisfies ShardMessage);

new Pump({
  // The length of a frame does not count its own field.
  inbox: new RingReader(data.inbox, LENGTH_BYTES + data.limits.maxFrameBytes),
  outbox: new RingWriter(data.outbox),
  ids: sharedIdSource(data.idClock),
  node: data.node,
  shards: data.shards,
  limits: data.limits,
  memoryBytes: data.memoryBytes,
  journal: memoryJournal,
  clock,
}).run();
