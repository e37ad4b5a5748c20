/**
 * A shard with its journal, as in a broker, on any disk: what the tests of the journal drive. To simulate a kill, stop
 * using it.
 */
import { loadChecksum } from "../../src/journal/checksum.js";
import type { Disk } from "../../src/journal/disk.js";
import { FileJournal } from "../../src/journal/file-journal.js";
import type { FileJournalOptions } from "../../src/journal/file-journal-options.js";
import { makeLedger, NO_SEGMENTS } from "../../src/journal/ledger.js";
import { PageReader } from "../../src/journal/page-reader.js";
import { type RecoveryReport, recover } from "../../src/journal/recovery.js";
import { WORD_BYTES } from "../../src/protocol/entry.js";
import { EPOCH } from "../../src/protocol/id.js";
import { Durability } from "../../src/protocol/op.js";
import { SELECTION_BYTES, writeSelection } from "../../src/protocol/selection.js";
import type { ChannelConfig, Command, Publish, Slice, TopicConfig } from "../../src/shard/command.js";
import { Replay } from "../../src/shard/recovery/replay.js";
import { Shard, type ShardLimits } from "../../src/shard/shard.js";
import { keysSlice } from "../shard/keys-slice.js";
import { OPTIONS } from "../shard/model/driver.js";
import { type Effect, Recorder } from "../shard/model/effects.js";
import { type SeenQueue, snapshot } from "../shard/snapshot.js";

export const checksum = await loadChecksum();

export const START = EPOCH + 1_000_000;

export interface KeeperOptions {
  readonly disk: Disk;
  /** The shard's directory, which exists. An empty one is made that of a new shard. */
  readonly directory: string;
  /** Default 8 KiB. */
  readonly segmentBytes?: number;
  /** Default 2 KiB. */
  readonly pageBytes?: number;
  /** Default 0. */
  readonly shard?: number;
  /** Default fsync. */
  readonly level?: number;
  readonly memoryBytes?: number;
  /** As in `ShardOptions`; those of the model are small. */
  readonly limits?: Partial<ShardLimits>;
  readonly headBytes?: number;
  readonly now?: number;
  readonly wantSpare?: FileJournalOptions["wantSpare"];
  readonly hasSpace?: FileJournalOptions["hasSpace"];
  readonly reclaimFailed?: FileJournalOptions["reclaimFailed"];
  readonly reserve?: FileJournalOptions["reserve"];
  readonly home?: FileJournalOptions["home"];
  readonly verified?: ReadonlySet<number>;
  readonly onProgress?: (bytes: number) => void;
}

export interface Held {
  readonly id: bigint;
  readonly delivery: number;
  readonly retry: number;
  readonly body: string;
}

type Publishing = Partial<Pick<Publish, "topic" | "routeKey" | "delay" | "ttl" | "producer" | "sequence">>;

export class Keeper {
  readonly shard: Shard;
  readonly journal: FileJournal;
  readonly report: RecoveryReport;
  now: number;
  readonly #recorder = new Recorder();
  /** The last millisecond of which ids were handed out. */
  #idMillisecond = 0;
  #request = 0;

  /** Recovers the directory and continues from there. */
  constructor(options: KeeperOptions) {
    const { disk, directory, segmentBytes = 8192, pageBytes = 2048, level = Durability.fsync } = options;
    this.now = options.now ?? START;
    this.shard = new Shard({
      ...OPTIONS,
      effects: this.#recorder,
      ids: {
        next: (now) => {
          this.#idMillisecond = Math.max(this.#idMillisecond + 1, Math.floor(now) - EPOCH);
          return this.#idMillisecond;
        },
      },
      now: this.now,
      pageBytes,
      segmentBytes,
      shard: options.shard,
      level,
      memoryBytes: options.memoryBytes ?? OPTIONS.memoryBytes,
      limits: { ...OPTIONS.limits, ...options.limits },
      headBytes: options.headBytes ?? OPTIONS.headBytes,
    });
    if (disk.list(directory).length === 0) makeLedger(disk, directory, options.shard ?? 0, NO_SEGMENTS);
    const { verified, onProgress, wantSpare, hasSpace, reclaimFailed, reserve, home } = options;
    const pages = new PageReader(disk, directory, checksum);
    this.shard.store.log.pages.source = pages;
    this.report = recover(
      {
        disk,
        directory,
        checksum,
        shard: options.shard ?? 0,
        pageBytes,
        ...(verified && { verified }),
        ...(onProgress && { onProgress }),
      },
      new Replay(this.shard),
    );
    const { nextSequence } = this.report;
    this.journal = new FileJournal({
      disk,
      directory,
      checksum,
      level,
      segmentBytes,
      nextSequence,
      ...(wantSpare && { wantSpare }),
      ...(hasSpace && { hasSpace }),
      ...(reclaimFailed && { reclaimFailed }),
      ...(reserve && { reserve }),
      ...(home && { home }),
    });
    this.shard.store.log.pages.source = this.journal;
    pages.close();
    this.#idMillisecond = this.shard.idCeiling;
  }

  get state(): readonly SeenQueue[] {
    this.shard.invariants();
    return snapshot(this.shard);
  }

  /** Bodies of all messages of all queues, by queue, in the order of their ids. */
  get bodies(): string[] {
    return this.state.flatMap(({ messages }) => messages.map(({ entry }) => entry.slice(WORD_BYTES)));
  }

  configure(topic: string, config: Partial<TopicConfig>): void {
    this.#apply({ op: "configure", ...this.#where(topic), config });
  }

  publish(
    bodies: readonly string[],
    { topic = "t", routeKey = "", delay = 0, ttl = 0, ...numbers }: Publishing = {},
  ): Effect[] {
    const count = bodies.length;
    const where = this.#where(topic);
    return this.#apply({
      op: "publish",
      ...where,
      requests: 1,
      count,
      routeKey,
      delay,
      ttl,
      ...numbers,
      ...entries(bodies),
    });
  }

  /** Publishes messages whose keys are their bodies as well. `window`: how long they are known; 0: until they are done. */
  publishKeyed(keys: readonly string[], window: number, options: Publishing = {}): Effect[] {
    const texts = keysSlice(keys);
    const { bytes } = entries(keys);
    const all = sliceOf(new Uint8Array(Buffer.concat([texts, bytes])));
    const about = { keyWindow: window, keysStart: 0, keysEnd: texts.length };
    const { topic = "t", routeKey = "", delay = 0, ttl = 0, ...numbers } = options;
    return this.#apply({
      op: "publish",
      ...this.#where(topic),
      requests: 1,
      count: keys.length,
      routeKey,
      delay,
      ttl,
      ...numbers,
      ...about,
      ...all,
      start: texts.length,
    });
  }

  configureChannel(channel: string, config: Partial<ChannelConfig>): Effect[] {
    return this.#apply({ op: "configureChannel", ...this.#toChannel(channel), config });
  }

  publishChannel(channel: string, bodies: readonly string[], key = ""): Effect[] {
    return this.#apply({
      op: "publishChannel",
      ...this.#toChannel(channel),
      key,
      count: bodies.length,
      ...entries(bodies),
    });
  }

  pop(max: number, topic = "t", queue = "default"): Held[] {
    const where = this.#where(topic);
    const effects = this.#apply({ op: "pop", ...where, queue, max, maxBytes: 1_000_000, wait: 0 });
    return heldIn(effects);
  }

  /** Pops `max` dead letters. */
  popDead(max: number, topic = "t", queue = "default"): Held[] {
    return heldIn(this.#apply({ op: "popDead", ...this.#where(topic), queue, max, maxBytes: 1_000_000 }));
  }

  ack(held: readonly Held[], topic = "t", queue = "default"): Effect[] {
    return this.#apply({ op: "ack", ...this.#where(topic), queue, ...selections(held) });
  }

  nack(
    held: readonly Held[],
    { reject = false, delay = 0, reason = "" } = {},
    topic = "t",
    queue = "default",
  ): Effect[] {
    return this.#apply({ op: "nack", ...this.#where(topic), queue, reject, delay, reason, ...selections(held) });
  }

  administer(
    op: "pause" | "resume" | "declareQueue" | "deleteQueue" | "deleteTopic",
    topic: string,
    queue: string,
  ): Effect[] {
    return this.#apply(op === "deleteTopic" ? { op, ...this.#where(topic) } : { op, ...this.#where(topic), queue });
  }

  /** Commits; returns whether everything is confirmed. */
  commit(): boolean {
    const { log } = this.shard.store;
    return this.journal.commit(log, this.now) === log.position;
  }

  /** Moves the clock on far enough for the journal's background work. */
  tick(later = 1000): void {
    this.now += later;
    this.turn();
    this.journal.tick(this.shard.store.log, this.now);
  }

  /** A clean end. */
  close(): void {
    this.journal.close(this.shard.store.log, this.now);
  }

  turn(): Effect[] {
    while (this.shard.turn(this.now) <= this.now);
    return this.#recorder.take();
  }

  #where(topic: string): { connection: number; request: number; topic: string } {
    this.#request++;
    return { connection: 1, request: this.#request, topic };
  }

  #toChannel(channel: string): { connection: number; request: number; channel: string } {
    this.#request++;
    return { connection: 1, request: this.#request, channel };
  }

  #apply(command: Command): Effect[] {
    while (!this.shard.apply(command, this.now));
    return this.turn();
  }
}

const sliceOf = (bytes: Uint8Array): Slice => ({
  bytes,
  view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  start: 0,
  end: bytes.length,
});

const entries = (bodies: readonly string[]): Slice => {
  const parts = bodies.map((body) => {
    const entry = Buffer.alloc(WORD_BYTES + Buffer.byteLength(body));
    entry.writeUInt32BE(entry.length - WORD_BYTES);
    entry.write(body, WORD_BYTES);
    return entry;
  });
  return sliceOf(new Uint8Array(Buffer.concat(parts)));
};

const selections = (held: readonly Held[]): Slice => {
  const slice = sliceOf(new Uint8Array(held.length * SELECTION_BYTES));
  for (const [i, { id, delivery }] of held.entries()) {
    writeSelection(slice.view, i * SELECTION_BYTES, Number(id >> 32n), Number(id & 0xffff_ffffn), 1, delivery);
  }
  return slice;
};

const heldIn = (effects: readonly Effect[]): Held[] =>
  effects.flatMap((effect) =>
    effect.kind !== "messages"
      ? []
      : effect.messages.map(({ id, delivery, retry, entry }) => ({
          id,
          delivery,
          retry,
          body: entry.slice(WORD_BYTES),
        })),
  );
