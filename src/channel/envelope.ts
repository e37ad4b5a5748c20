/**
 * The envelope of a ring record: a msgpack array `[op, connection, …]` that says whose the raw bytes behind it are. One
 * envelope stands before a batch of frames, never before a single message.
 */
import { Packr } from "msgpackr/pack";

export const EnvelopeOp = {
  /** Both ways. `[op, connection]`, then whole frames of (or for) that connection. */
  FRAMES: 1,
  /** To a shard. `[op, connection]`: the connection is gone. */
  DISCONNECT: 2,
  /** To a shard. `[op, connection]`: deliver nothing more to the connection, its outgoing buffer is full. */
  HOLD: 3,
  /** To a shard. `[op, connection]`: the outgoing buffer is low again. */
  RELEASE: 4,
  /** To a shard. `[op, 0]`: everything before this is to be finished, then the thread ends. */
  STOP: 5,
  /** From a shard. `[op, connection, connection, …]`, then frames that each of them is sent. */
  FAN_OUT: 6,
  /** From a shard. `[op, connection]`, then frames to send before the connection is closed. */
  CLOSE: 7,
  /** To a shard. `[op, 0]`: something that was asked for outside the rings has come. */
  NOTICE: 8,
} as const;

const packr = new Packr({ useRecords: false });

/** `[op, connection, …]` encoded. Good until the next call on this thread. */
export const packEnvelope = (envelope: readonly number[]): Uint8Array => packr.pack(envelope);

/** Decodes an envelope that this project packed: [start, end) of ring memory. */
export const unpackEnvelope = (bytes: Uint8Array, start: number, end: number): readonly number[] =>
  packr.unpack(bytes.slice(start, end)) as readonly number[];
