/** A log that was never written, read back into another shard. */
import type { Log } from "../../src/shard/log/log.js";
import { Replay } from "../../src/shard/recovery/replay.js";
import type { Shard } from "../../src/shard/shard.js";

/** The segments of a log of which nothing was ever written: all of it is in memory. */
export const segmentsOf = (log: Log): Map<number, Uint8Array[]> => {
  const segments = new Map<number, Uint8Array[]>();
  for (const page of log.unwritten) {
    const sequence = page.segment?.sequence ?? 0;
    segments.set(sequence, [...(segments.get(sequence) ?? []), page.bytes.slice(0, page.used)]);
  }
  return segments;
};

/** Reads segments back into an empty shard; each is read in one page. */
export const readInto = (shard: Shard, segments: Map<number, Uint8Array[]>): Shard => {
  const replay = new Replay(shard);
  for (const [sequence, pages] of segments) {
    const bytes = Buffer.concat(pages);
    replay.segment(sequence, sequence);
    replay.buffer(bytes.length).set(bytes);
    replay.page(0, bytes.length);
  }
  replay.finish();
  return shard;
};
