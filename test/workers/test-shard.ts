/** A shard's pump over channels within this thread, under a clock moved by hand, and a journal whose disk can be full. */
import { EnvelopeOp, packEnvelope } from "../../src/channel/envelope.js";
import { LocalChannel } from "../../src/channel/local-channel.js";
import type { Journal, JournalState } from "../../src/journal/journal.js";
import { HEAD, HEAD_LENGTH, LENGTH_BYTES, OP, REQUEST } from "../../src/protocol/frame.js";
import { unpackHead } from "../../src/protocol/head.js";
import { EPOCH } from "../../src/protocol/id.js";
import { Answer, Durability } from "../../src/protocol/op.js";
import { readReceipts } from "../../src/protocol/selection.js";
import type { Log } from "../../src/shard/log/log.js";
import { localIdSource } from "../../src/shard/messages/id-allocator.js";
import type { Pump } from "../../src/workers/pump.js";
import { assemblePump, type PumpOptions } from "../../src/workers/pump-assembly.js";
import { encodeFrames, type TestFrame } from "./frames.js";

export const SEGMENT_BYTES = 64 * 1024;
const MAX_FRAME_BYTES = 16 * 1024 * 1024;
/** When its clock begins. */
export const NOW = Date.UTC(2026, 0, 1);
const NOTHING = new Uint8Array(0);

export interface Answered {
  readonly connection: number;
  readonly op: number;
  readonly request: number;
  readonly head: readonly unknown[];
  readonly payload: string;
}

/** A shard's pump, with both ends of its channels. */
export class TestShard {
  /** Milliseconds since 1970. */
  now = NOW;
  readonly pump: Pump;
  readonly #inbox = new LocalChannel();
  readonly #outbox = new LocalChannel();

  constructor(options: Pick<PumpOptions, "openJournal"> & Partial<PumpOptions>) {
    this.pump = assemblePump({
      inbox: this.#inbox,
      outbox: this.#outbox,
      ids: localIdSource(EPOCH),
      node: 1,
      shard: 0,
      shards: 1,
      limits: {
        maxFrameBytes: MAX_FRAME_BYTES,
        maxMessageBytes: MAX_FRAME_BYTES,
        maxBatchMessages: 4096,
        maxNameBytes: 255,
        maxTopics: 100,
        maxQueues: 100,
        maxConsumers: 100,
      },
      memoryBytes: 64 * 1024 * 1024,
      level: Durability.fsync,
      segmentBytes: SEGMENT_BYTES,
      clock: () => this.now,
      ...options,
    });
  }

  /** Answers when it wants the next step. */
  step(): number {
    return this.pump.step(this.now);
  }

  send(...frames: readonly TestFrame[]): void {
    this.sendAs(1, ...frames);
  }

  sendAs(connection: number, ...frames: readonly TestFrame[]): void {
    const bytes = encodeFrames(frames);
    this.#inbox.tryWrite(packEnvelope([EnvelopeOp.FRAMES, connection]), bytes, 0, bytes.length);
  }

  /** Sends something and does a step: what was answered. */
  ask(...frames: readonly TestFrame[]): Answered[] {
    this.send(...frames);
    this.step();
    return this.answers();
  }

  stop(): void {
    this.tell(EnvelopeOp.STOP, 0);
  }

  tell(op: number, connection: number): void {
    this.#inbox.tryWrite(packEnvelope([op, connection]), NOTHING, 0, 0);
  }

  /** The frames that it has sent. */
  answers(): Answered[] {
    const answers: Answered[] = [];
    this.#outbox.drain(([, connection = 0], bytes, view, start, end) => {
      for (let at = start; at < end; at += LENGTH_BYTES + view.getUint32(at)) {
        const payload = at + HEAD + view.getUint16(at + HEAD_LENGTH);
        const stop = at + LENGTH_BYTES + view.getUint32(at);
        answers.push({
          connection,
          op: view.getUint8(at + OP),
          request: view.getUint32(at + REQUEST),
          head: unpackHead(bytes, at + HEAD, payload),
          payload: Buffer.from(bytes.subarray(payload, stop)).toString("latin1"),
        });
      }
    }, Number.POSITIVE_INFINITY);
    return answers;
  }

  ops(): number[] {
    return this.answers().map(({ op }) => op);
  }

  /** Messages that it has confirmed. */
  confirmed(): number {
    let messages = 0;
    for (const { op, payload } of this.answers()) {
      if (op !== Answer.CONFIRM) continue;
      const bytes = Buffer.from(payload, "latin1");
      for (const receipt of readReceipts(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length)) {
        messages += receipt.messages;
      }
    }
    return messages;
  }
}

/** A journal whose disk can be full. It syncs when it is asked to, as that in files does. */
export class StallingJournal implements Journal {
  readonly level = Durability.fsync;
  state: JournalState = { kind: "working" };
  synced = 0;
  commits = 0;
  isClosed = false;
  isFull = false;

  commit(log: Log): number {
    this.commits++;
    const error = Object.assign(new Error("no space left"), { code: "ENOSPC" });
    this.state = this.isFull ? { kind: "stalled", error } : { kind: "working" };
    if (this.isFull) return log.durable;
    if (log.demand >= Durability.fsync) this.synced = log.position;
    for (const page of log.unwritten) page.written = page.used;
    log.markDurable(log.position);
    return log.position;
  }

  tick(): number {
    return Number.POSITIVE_INFINITY;
  }

  roomForPublishes(): boolean {
    return this.state.kind === "working";
  }

  get hindrance(): Journal["hindrance"] {
    return this.state.kind === "stalled" ? this.state.error : undefined;
  }

  close(): void {
    this.isClosed = true;
  }
}
