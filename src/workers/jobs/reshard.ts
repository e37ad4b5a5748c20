/**
 * Moves everything to another number of shards: reads the journals of all shards and writes those of a new generation,
 * each topic and channel to the shard that its name hashes to. The old generation is unchanged, and current until the manifest names
 * the new one.
 */
import type { Checksum } from "../../journal/checksum.js";
import type { Disk, DiskFile } from "../../journal/disk.js";
import { eachKeep, keepBytes, writeKeep } from "../../journal/keep-writer.js";
import { segmentPath, shardDirectory } from "../../journal/layout.js";
import { makeLedger } from "../../journal/ledger.js";
import { PageReader } from "../../journal/page-reader.js";
import { RecordWriter } from "../../journal/record-writer.js";
import { recover } from "../../journal/recovery.js";
import { packHead } from "../../protocol/head.js";
import { EPOCH } from "../../protocol/id.js";
import { Durability } from "../../protocol/op.js";
import { planKeeps } from "../../shard/compaction/keep-plan.js";
import { queueOf, setQueue } from "../../shard/compaction/kept-failures.js";
import type { Effects } from "../../shard/effects.js";
import { PAGE_BYTES } from "../../shard/log/log.js";
import * as record from "../../shard/log/record.js";
import type { DirectoryItem } from "../../shard/log/recorder.js";
import { localIdSource } from "../../shard/messages/id-allocator.js";
import { Replay } from "../../shard/recovery/replay.js";
import { Shard } from "../../shard/shard.js";

/** Memory for the pages of a journal that is read. What is known of its messages comes on top. */
const READ_BYTES = 64 * 1024 * 1024;

export interface ReshardInput {
  /** The data directory. */
  readonly data: string;
  /** The current generation, and how many shards it has. */
  readonly generation: number;
  readonly from: number;
  /** How many shards the next generation has. Their directories exist and are empty. */
  readonly to: number;
  readonly segmentBytes: number;
  /** Bytes of a page of the journals. Default `PAGE_BYTES`. */
  readonly pageBytes?: number;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export interface ReshardResult {
  readonly topics: number;
  readonly messages: number;
}

/** Nobody waits for answers. */
const NO_EFFECTS: Effects = {
  confirm: () => undefined,
  fail: () => undefined,
  result: () => undefined,
  settled: () => undefined,
  openMessages: () => undefined,
  run: () => undefined,
  closeMessages: () => undefined,
  openChannel: () => undefined,
  channelEntries: () => undefined,
  closeChannel: () => undefined,
  channelLost: () => undefined,
  consumerClosed: () => undefined,
  close: () => undefined,
};

/** Throws a `DamageError` when a journal is damaged. The current generation is unchanged then. */
export const reshard = (disk: Disk, checksum: Checksum, input: ReshardInput): ReshardResult => {
  const { data, generation, from, to } = input;
  const shards = Array.from({ length: from }, (_, shard) =>
    readShard(disk, checksum, shardDirectory(data, generation, shard), shard, input),
  );
  const targets = Array.from({ length: to }, (_, shard) => new Target(disk, checksum, shard, input));
  const targetOf = (nameBytes: Uint8Array): Target => {
    const view = new DataView(nameBytes.buffer, nameBytes.byteOffset, nameBytes.byteLength);
    return targets[to === 1 ? 0 : checksum(view, 0, nameBytes.length, 0) % to] as Target;
  };
  for (const shard of shards) {
    for (const topic of shard.directory.topics) targetOf(topic.nameBytes).addTopic(topic);
    for (const channel of shard.directory.channels.byName.values())
      targetOf(channel.nameBytes).addChannel(channel.queue);
  }
  const ceiling = Math.max(0, ...shards.map(({ idCeiling }) => idCeiling));
  for (const target of targets) target.begin(ceiling);
  let messages = 0;
  for (const [number, { store }] of shards.entries()) {
    const plan = planKeeps(store, new Set(store.log.segments.all));
    const directory = shardDirectory(data, generation, number);
    const open = (sequence: number): DiskFile => disk.open(segmentPath(directory, sequence), "read");
    eachKeep(plan, open, (keep, claims, file) => {
      const view = new DataView(claims.buffer, claims.byteOffset);
      const queue = store.queues[view.getUint32(record.CLAIM_QUEUE)];
      if (queue === undefined) throw new Error("reshard: messages of a queue that is gone");
      targetOf(queue.topic.nameBytes).keep(keep, claims, file, store.queues);
    });
    for (const body of plan.failures) {
      const queue = store.queues[queueOf(body)];
      if (queue === undefined) throw new Error("reshard: failures of a queue that is gone");
      targetOf(queue.topic.nameBytes).failures(body, queue);
    }
    messages += store.log.segments.all.reduce((sum, { live }) => sum + live, 0);
  }
  for (const target of targets) target.end();
  return { topics: shards.reduce((sum, { directory }) => sum + directory.size, 0), messages };
};

const readShard = (
  disk: Disk,
  checksum: Checksum,
  directory: string,
  number: number,
  { segmentBytes, pageBytes = PAGE_BYTES, now }: ReshardInput,
): Shard => {
  const shard = new Shard({
    effects: NO_EFFECTS,
    ids: localIdSource(EPOCH),
    node: 1,
    limits: { maxTopics: 0, maxQueues: 0, maxConsumers: 0 },
    memoryBytes: READ_BYTES,
    maxFailureBytes: Number.POSITIVE_INFINITY,
    pageBytes,
    segmentBytes,
    level: Durability.fsync,
    now,
  });
  const pages = new PageReader(disk, directory, checksum);
  shard.store.log.pages.source = pages;
  recover({ disk, directory, checksum, shard: number, pageBytes }, new Replay(shard));
  pages.close();
  return shard;
};

/** Queues and topics of a shard that was read. */
interface Numbered {
  readonly number: number;
}
interface FoundQueue extends Numbered {
  readonly entry: readonly unknown[];
}
interface FoundTopic {
  readonly name: string;
  readonly entry: readonly unknown[];
  readonly queues: ReadonlyMap<string, FoundQueue>;
  remembered(): Iterable<DirectoryItem>;
}

/** A shard of the new generation. */
class Target {
  readonly #disk: Disk;
  readonly #checksum: Checksum;
  readonly #shard: number;
  readonly #input: ReshardInput;
  readonly #directory: string;
  readonly #topics: FoundTopic[] = [];
  /** Their queues. */
  readonly #channels: FoundQueue[] = [];
  /** The new number of each queue. */
  readonly #numbers = new Map<object, number>();
  #ceiling = 0;
  #sequence = 0;
  #file: DiskFile | undefined;
  #writer: RecordWriter | undefined;

  constructor(disk: Disk, checksum: Checksum, shard: number, input: ReshardInput) {
    this.#disk = disk;
    this.#checksum = checksum;
    this.#shard = shard;
    this.#input = input;
    this.#directory = shardDirectory(input.data, input.generation + 1, shard);
  }

  addTopic(topic: FoundTopic): void {
    this.#topics.push(topic);
    for (const queue of topic.queues.values()) this.#numbers.set(queue, this.#numbers.size);
  }

  addChannel(queue: FoundQueue): void {
    this.#channels.push(queue);
    this.#numbers.set(queue, this.#numbers.size);
  }

  /** Begins to write, when all topics are known. */
  begin(ceiling: number): void {
    this.#ceiling = ceiling;
    this.#nextSegment();
  }

  /** Writes one KEEP. Changes `claims`, which get the new numbers of the queues. */
  keep(keep: Uint32Array, claims: Uint8Array, file: DiskFile, queues: readonly (Numbered | undefined)[]): void {
    const view = new DataView(claims.buffer, claims.byteOffset, claims.byteLength);
    for (let at = 0; at < claims.length; at += record.CLAIM_BYTES) {
      const queue = queues[view.getUint32(at + record.CLAIM_QUEUE)];
      const number = queue === undefined ? undefined : this.#numbers.get(queue);
      if (number === undefined) throw new Error("reshard: messages of a queue that is not in this shard");
      view.setUint32(at + record.CLAIM_QUEUE, number);
    }
    let writer = this.#writer as RecordWriter;
    if (writer.size + keepBytes(keep) > this.#input.segmentBytes) writer = this.#nextSegment();
    writeKeep(writer, file, keep, claims);
  }

  /** Writes what is known of failures. Changes `body`, which gets the new number of its queue. */
  failures(body: Uint8Array, queue: Numbered): void {
    const number = this.#numbers.get(queue);
    if (number === undefined) throw new Error("reshard: failures of a queue that is not in this shard");
    setQueue(body, number);
    let writer = this.#writer as RecordWriter;
    if (writer.size + body.length > this.#input.segmentBytes) writer = this.#nextSegment();
    writer.state(body);
  }

  end(): void {
    const bytes = this.#endSegment();
    makeLedger(this.#disk, this.#directory, this.#shard, { first: 1, last: this.#sequence, bytes });
  }

  /** Begins a segment with the whole directory, as in a shard's journal. */
  #nextSegment(): RecordWriter {
    this.#endSegment();
    this.#sequence++;
    const { to, now, pageBytes = PAGE_BYTES } = this.#input;
    const file = this.#disk.open(segmentPath(this.#directory, this.#sequence), "create");
    const head = { sequence: this.#sequence, replaces: this.#sequence, created: now, shard: this.#shard, shards: to };
    const writer = new RecordWriter(file, this.#checksum, head, pageBytes);
    writer.directory(packHead(["checkpoint"]));
    for (const topic of this.#topics) {
      writer.directory(packHead(topic.entry));
      for (const queue of topic.queues.values()) this.#name(writer, queue);
      for (const { entry, isRecorded } of topic.remembered()) if (isRecorded) writer.directory(packHead(entry));
    }
    for (const channel of this.#channels) this.#name(writer, channel);
    writer.directory(packHead(["complete"]));
    writer.ids(this.#ceiling);
    this.#file = file;
    this.#writer = writer;
    return writer;
  }

  /** Writes the entry of a queue, with its new number. */
  #name(writer: RecordWriter, queue: FoundQueue): void {
    const [kind, , ...facts] = queue.entry;
    writer.directory(packHead([kind, this.#numbers.get(queue), ...facts]));
  }

  /** Returns its length. */
  #endSegment(): number {
    this.#writer?.seal();
    const bytes = this.#writer?.size ?? 0;
    this.#file?.close();
    this.#writer = undefined;
    this.#file = undefined;
    return bytes;
  }
}
