/** WATCH: the samples of the last minutes, and the connections that are sent each further one. All get the same bytes. */
import { allocate } from "../../channel/buffers.js";
import { SAMPLE_COLUMNS, SHARD_SAMPLE_COLUMNS, sampleWidth } from "../../protocol/broker-sample.js";
import { ProtocolError } from "../../protocol/errors.js";
import { FrameWriter, HEAD } from "../../protocol/frame.js";
import { NO_HEAD } from "../../protocol/head.js";
import { Answer } from "../../protocol/op.js";
import type { Log } from "../log.js";
import { contain } from "./error-boundary.js";
import { SampleHistory } from "./sample-history.js";

/** Samples that are kept: one a second for five minutes. */
export const SAMPLES_KEPT = 300;

/** A connection that watches. */
export interface Watcher {
  readonly peer: string;
  /** Its user may have been allowed to when it asked, and no longer. */
  readonly mayOperate: boolean;
  bufferedBytes(): number;
  deliverShared(bytes: Buffer, atOnce: boolean): boolean;
  destroy(): void;
}

export interface BrokerWatchOptions {
  readonly shards: number;
  readonly maxFrameBytes: number;
  /** Whoever has more unsent than this is sent no sample. */
  readonly maxOutgoingBytes: number;
  readonly log: Log;
}

export class BrokerWatch {
  readonly #options: BrokerWatchOptions;
  readonly #history: SampleHistory;
  readonly #watchers = new Set<Watcher>();
  /** Good until the next sample: clients of a broker that comes back ask all at once. */
  #answer: readonly unknown[] | undefined;

  constructor(options: BrokerWatchOptions) {
    this.#options = options;
    this.#history = new SampleHistory(sampleWidth(options.shards), SAMPLES_KEPT);
  }

  /**
   * What WATCH answers: at most half a frame, as many of the last samples as that holds.
   *
   * @throws ProtocolError NOT_ALLOWED when frames are too small for samples.
   */
  get answer(): readonly unknown[] {
    const { shards, maxFrameBytes } = this.#options;
    const max = Math.floor(maxFrameBytes / 2 / this.#history.rowBytes);
    if (max === 0) throw new ProtocolError("NOT_ALLOWED", "the frames of this broker are too small for its samples");
    this.#answer ??= [SAMPLE_COLUMNS, SHARD_SAMPLE_COLUMNS, shards, this.#history.last(max)];
    return this.#answer;
  }

  /** How many watch. */
  get watchers(): number {
    return this.#watchers.size;
  }

  add(watcher: Watcher): void {
    this.#watchers.add(watcher);
  }

  /** False: it did not watch. */
  remove(watcher: Watcher): boolean {
    return this.#watchers.delete(watcher);
  }

  /** Keeps a sample, and sends it to those that watch. */
  take(sample: Float64Array): void {
    this.#history.add(sample);
    this.#answer = undefined;
    if (this.#watchers.size === 0) return;
    const { maxOutgoingBytes, log } = this.#options;
    const frame = this.#frame();
    for (const watcher of this.#watchers) {
      try {
        if (!watcher.mayOperate) this.#watchers.delete(watcher);
        else if (watcher.bufferedBytes() <= maxOutgoingBytes) watcher.deliverShared(frame, true);
      } catch (error) {
        contain(log, `the connection of ${watcher.peer}`, error, () => watcher.destroy());
      }
    }
  }

  /** Transports may keep it, so it is not written again. */
  #frame(): Buffer {
    const { rowBytes } = this.#history;
    const writer = new FrameWriter(HEAD + rowBytes);
    writer.open(Answer.SAMPLE, 0, 0, NO_HEAD);
    writer.append(this.#history.last(1));
    writer.close();
    const frame = allocate(writer.end);
    frame.set(writer.written());
    return frame;
  }
}
