/**
 * Makes a data directory of the current format, with records of every type, and a description of its contents. Run once
 * for each format, when it is settled, and never again for an old one:
 *
 * ```
 * RINGMQ_MAKE_FIXTURE=version-4 npx vitest run test/journal/fixture.test.ts
 * ```
 *
 * Shard 0 has three segments: a sealed one, a compacted one that replaces two (written here byte by byte), and one that
 * was being written when its broker was killed.
 */
import { mkdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { claimDataDirectory } from "../../src/journal/data-directory.js";
import { LOCK_PREFIX, segmentPath, shardDirectory } from "../../src/journal/layout.js";
import { nodeDisk } from "../../src/journal/node-disk.js";
import { WORD_BYTES } from "../../src/protocol/entry.js";
import { FAILURE_TEXTS, Failed, writeFailure } from "../../src/protocol/failure.js";
import { idHigh, idLow } from "../../src/protocol/id.js";
import * as record from "../../src/shard/log/record.js";
import * as ext from "../../src/shard/messages/extent.js";
import { checksum, Keeper, START } from "./keeper.js";

export const SIZES = { segmentBytes: 2048, pageBytes: 1024 };
export const SHARDS = 1;

/** Name of the file that describes the data directory beside it. */
export const EXPECTED = "expected.json";

export const makeFixture = (data: string): void => {
  rmSync(data, { recursive: true, force: true });
  mkdirSync(data, { recursive: true });
  claimDataDirectory(nodeDisk, data, SHARDS).lock.release();
  const directory = shardDirectory(data, 1, 0);

  const first = new Keeper({ disk: nodeDisk, directory, ...SIZES });
  first.configure("orders", { retries: 1, ttr: 5000 });
  first.configure("gone", {});
  first.administer("declareQueue", "orders", "emptied");
  first.administer("deleteQueue", "orders", "emptied");
  first.administer("deleteTopic", "gone", "");
  first.publish(["ready 1", "ready 2", "acked", "tried", "rejected", "put off"], { topic: "orders" });
  first.publish(["late"], { topic: "orders", delay: 60_000 });
  first.publish(["short-lived"], { topic: "orders", ttl: 120_000 });
  first.administer("declareQueue", "orders", "eu");
  first.publish(["elsewhere"], { topic: "orders", routeKey: "eu" });
  first.commit();
  const [one, two, acked, tried, rejected, putOff] = first.pop(6, "orders");
  if (!one || !two || !acked || !tried || !rejected || !putOff) throw new Error("fixture: messages are missing");
  first.ack([acked], "orders");
  first.shard.name(1, "billing");
  first.nack([tried], { reason: "no such shop" }, "orders");
  first.nack([rejected], { reject: true }, "orders");
  first.nack([putOff], { delay: 30_000 }, "orders");
  first.administer("pause", "orders", "eu");
  first.commit();
  first.close();

  const queue = first.state.find(({ topic, bindKey }) => topic === "orders" && bindKey === "default")?.number;
  if (queue === undefined) throw new Error("fixture: the queue is missing");
  writeFileSync(segmentPath(directory, 3), compacted(3, 2, queue));

  const second = new Keeper({ disk: nodeDisk, directory, ...SIZES, now: first.now + 1000 });
  second.publish(["after a restart"], { topic: "orders" });
  for (const [sequence, body] of [["numbered"], ["numbered as well"]].entries())
    second.publish(body, { topic: "orders", producer: "shop 1", sequence });
  second.publishKeyed(["invoice 7", ""], 0, { topic: "orders", delay: 60_000 });
  second.publishKeyed(["invoice 8"], 3_600_000, { topic: "orders" });
  second.configureChannel("news", { keep: true, maxMessages: 3, history: 5 });
  second.publishChannel("news", ["dropped", "kept 1"], "key");
  second.publishChannel("news", ["kept 2", "kept 3"]);
  second.commit();
  const { segments } = second.shard.store.log;
  writeFileSync(join(data, EXPECTED), `${JSON.stringify({ now: second.now, state: second.state }, undefined, 2)}\n`);
  // Most of the file was allocated ahead; a little of that is enough here.
  truncateSync(segmentPath(directory, 4), (segments.last?.used ?? 0) + 64);
  for (let number = 1; number < 9; number++) rmSync(join(data, `${LOCK_PREFIX}${number}`), { force: true });
};

/**
 * A segment with one KEEP: three messages, of which a queue needs the first as it is and the third as a dead letter.
 */
const compacted = (sequence: number, replaces: number, queue: number): Uint8Array => {
  const names = ["orders", "kept"].map((name) => Buffer.from(name));
  const entries = ["kept", "not wanted", "kept dead"].map((body) => {
    const entry = Buffer.alloc(WORD_BYTES + body.length);
    entry.writeUInt32BE(body.length);
    entry.write(body, WORD_BYTES);
    return entry;
  });
  const keep = Buffer.alloc(record.NAMES);
  keep.writeUInt8(record.RecordType.KEEP, record.TYPE);
  keep.writeUInt8(names[0]?.length ?? 0, record.TOPIC_LENGTH);
  keep.writeUInt8(names[1]?.length ?? 0, record.KEY_LENGTH);
  keep.writeUInt16BE(entries.length, record.COUNT);
  keep.writeUInt32BE(idHigh(500), record.FIRST_ID_HIGH);
  keep.writeUInt32BE(idLow(500, 1), record.FIRST_ID_LOW);
  const ready = Buffer.alloc(record.CLAIM_BYTES);
  ready.writeUInt32BE(queue, record.CLAIM_QUEUE);
  ready.writeUInt16BE(0, record.CLAIM_FIRST);
  ready.writeUInt16BE(1, record.CLAIM_SPAN);
  ready.writeUInt8(ext.State.READY, record.CLAIM_STATE);
  const dead = Buffer.from(ready);
  const last = entries.length - 1;
  dead.writeUInt16BE(last, record.CLAIM_FIRST);
  dead.writeUInt32BE((1 << ((idLow(500, 1) + last) & 31)) >>> 0, record.CLAIM_MASK);
  dead.writeUInt8(ext.State.DEAD, record.CLAIM_STATE);
  dead.writeUInt8(1, record.CLAIM_REASON);
  dead.writeUInt16BE(2, record.CLAIM_RETRY);
  dead.writeDoubleBE(START - 1000, record.CLAIM_TIME);
  const claims = [ready, dead];
  keep.writeUInt16BE(claims.length, record.QUEUES);

  return segmentOf(sequence, replaces, [Buffer.concat([keep, ...names, ...claims, ...entries]), failures(queue, last)]);
};

/** That the last of these messages has failed twice. */
const failures = (queue: number, last: number): Buffer => {
  const consumer = Buffer.from("shipping");
  const reason = Buffer.from("lost at sea");
  const each = [Failed.NACKED, Failed.TIMED_OUT].map((how, i) => {
    const why = how === Failed.NACKED ? reason : Buffer.alloc(0);
    const failure = Buffer.alloc(FAILURE_TEXTS + consumer.length + why.length);
    writeFailure(failure, viewOf(failure), 0, i + 1, START - 2000 + i * 1000, how, consumer, why);
    return failure;
  });
  const length = each.reduce((sum, one) => sum + one.length, 0);
  const ranges = record.rangesBehind(length);
  const state = Buffer.alloc(ranges + record.RANGE_BYTES);
  state.writeUInt8(record.RecordType.STATE, record.TYPE);
  state.writeUInt8(record.UNCHANGED, record.STATE);
  state.writeUInt32BE(queue, record.QUEUE);
  state.writeUInt16BE(length, record.FAILURES_LENGTH);
  Buffer.concat(each).copy(state, record.FAILURES);
  state.writeUInt32BE(idHigh(500), ranges + record.RANGE_ID_HIGH);
  state.writeUInt32BE(idLow(500, 1) + last, ranges + record.RANGE_ID_LOW);
  state.writeUInt32BE(1, ranges + record.RANGE_COUNT);
  return state;
};

const viewOf = ({ buffer, byteOffset, byteLength }: Buffer): DataView => new DataView(buffer, byteOffset, byteLength);

/** A sealed segment of these records. Fills in their lengths and checksums. */
export const segmentOf = (sequence: number, replaces: number, records: readonly Buffer[]): Uint8Array => {
  const head = Buffer.alloc(record.SEGMENT_BYTES);
  head.writeUInt8(record.RecordType.SEGMENT, record.TYPE);
  head.writeUInt8(record.FORMAT_VERSION, record.VERSION);
  head.writeUInt32BE(record.MAGIC, record.SEGMENT_MAGIC);
  head.writeUInt32BE(sequence, record.SEQUENCE);
  head.writeUInt32BE(replaces, record.REPLACES);
  head.writeDoubleBE(START, record.CREATED);
  head.writeUInt16BE(1, record.SHARDS);
  const seal = Buffer.alloc(record.SEAL_BYTES);
  seal.writeUInt8(record.RecordType.SEAL, record.TYPE);
  return together(sequence, [head, ...records, seal]);
};

/** Joins records and fills in their lengths and checksums. */
const together = (sequence: number, records: readonly Buffer[]): Uint8Array => {
  const size = records.reduce((sum, { length }) => sum + record.align(length), 0);
  const bytes = Buffer.alloc(size);
  const view = new DataView(bytes.buffer, bytes.byteOffset, size);
  let at = 0;
  for (const part of records) {
    part.copy(bytes, at);
    view.setUint32(at + record.LENGTH, part.length);
    const seed = record.checksumSeed(sequence, at);
    view.setUint32(at + record.CHECKSUM, checksum(view, at + record.TYPE, at + part.length, seed));
    at += record.align(part.length);
  }
  return bytes;
};
