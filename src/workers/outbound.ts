/**
 * The frames that a shard has to send, staged in one buffer until they may go. They are cut into pieces by receiver; a
 * piece becomes one message of the outbox.
 */
import type { MessageWriter } from "../channel/ends.js";
import { EnvelopeOp, packEnvelope } from "../channel/envelope.js";
import { FrameWriter } from "../protocol/frame.js";
import { Doing, Pulse } from "./pulse.js";

/** A buffer that a large answer has grown beyond this is not kept. */
const KEPT_BYTES = 4 * 1024 * 1024;

/** The size of a new buffer, which grows as needed: a shard that is little used costs little. */
const FIRST_BYTES = 64 * 1024;

/** A piece of this size or more is followed by another one: what is held back for a connection may be much. */
const PIECE_BYTES = 1024 * 1024;

interface Piece {
  readonly envelope: readonly number[];
  end: number;
}

export class Outbound {
  frames = new FrameWriter(FIRST_BYTES);
  #pieces: Piece[] = [];
  /** What the last piece is, and for whom: more frames of the same kind are added to it. */
  #op = 0;
  #connection = 0;
  #audience: readonly number[] | undefined;
  /** Where the last piece begins. */
  #start = 0;

  constructor(
    readonly outbox: MessageWriter,
    readonly pulse: Pulse = new Pulse(),
  ) {}

  get bytes(): number {
    return this.frames.end;
  }

  /** The frames written next are for one connection. */
  to(connection: number): void {
    if (this.#op === EnvelopeOp.FRAMES && this.#connection === connection && !this.#isLong) return;
    this.#begin(EnvelopeOp.FRAMES, connection, [EnvelopeOp.FRAMES, connection]);
  }

  /** The frames written next are the last ones for a connection, which is then closed. */
  closing(connection: number): void {
    this.#begin(EnvelopeOp.CLOSE, connection, [EnvelopeOp.CLOSE, connection]);
  }

  /** The frames written next are for all these connections. An unchanged audience is the same array. */
  toAll(connections: readonly number[]): void {
    if (this.#op === EnvelopeOp.FAN_OUT && this.#audience === connections && !this.#isLong) return;
    this.#audience = connections;
    this.#begin(EnvelopeOp.FAN_OUT, 0, [EnvelopeOp.FAN_OUT, ...connections]);
  }

  /** Sends everything. Blocks while the outbox is full: the broker always empties it. */
  flush(): void {
    this.#end();
    const { outbox, frames } = this;
    let start = 0;
    for (const { envelope, end } of this.#pieces) {
      if (end === start) continue;
      const packed = packEnvelope(envelope);
      while (!outbox.tryWrite(packed, frames.bytes, start, end)) this.#waitForRoom();
      start = end;
    }
    this.#pieces = [];
    this.#op = 0;
    this.#audience = undefined;
    if (frames.bytes.length > KEPT_BYTES) this.frames = new FrameWriter(FIRST_BYTES);
    else frames.clear();
  }

  get #isLong(): boolean {
    return this.frames.end - this.#start >= PIECE_BYTES;
  }

  #waitForRoom(): void {
    const before = this.pulse.at(Doing.outbox);
    this.outbox.waitWritable(Number.POSITIVE_INFINITY);
    this.pulse.at(before);
    this.pulse.beat();
  }

  #begin(op: number, connection: number, envelope: readonly number[]): void {
    this.#end();
    this.#op = op;
    this.#connection = connection;
    this.#start = this.frames.end;
    this.#pieces.push({ envelope, end: this.frames.end });
  }

  #end(): void {
    const last = this.#pieces.at(-1);
    if (last !== undefined) last.end = this.frames.end;
  }
}
