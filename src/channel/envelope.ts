/**
 * The envelope of a ring record: a msgpack array `[op, connection, …]` that says whose the raw bytes after it are.
 * There is one envelope per batch of frames, not per message.
 */
import { Packr } from "msgpackr/pack";

export const EnvelopeOp = {
  /** Both ways. `[op, connection]`, then whole frames of (or for) that connection. */
  FRAMES: 1,
  /** To a shard. `[op, connection]`: the connection is gone. */
  DISCONNECT: 2,
  /** To a shard. `[op, connection]`: the connection's send buffer is full, deliver nothing more to it. */
  HOLD: 3,
  /** To a shard. `[op, connection]`: the send buffer has space again. */
  UNHOLD: 4,
  /** To a shard. `[op, 0]`: finish everything before this, then end the thread. */
  STOP: 5,
  /** From a shard. `[op, connection, connection, …]`, then frames to send to each of them. */
  FAN_OUT: 6,
  /** From a shard. `[op, connection]`, then frames to send before the connection is closed. */
  CLOSE: 7,
  /** To a shard. `[op, 0]`: an answer has arrived outside the rings. */
  NOTICE: 8,
  /** To a shard. `[op, connection]`, then what its client calls itself, in UTF-8. Before its first frames. */
  NAME: 9,
  /** To a shard. `[op, connection]`, then patterns of what lists show its client, a line of UTF-8 for each. As NAME. */
  SEES: 10,
} as const;

const packr = new Packr({ useRecords: false });

/** `[op, connection, …]` encoded. Valid until the next call on this thread. */
export const packEnvelope = (envelope: readonly number[]): Uint8Array => packr.pack(envelope);

/** Decodes an envelope in [start, end) of ring memory. Only for envelopes that `packEnvelope` made. */
export const unpackEnvelope = (bytes: Uint8Array, start: number, end: number): readonly number[] =>
  packr.unpack(bytes.slice(start, end)) as readonly number[];
