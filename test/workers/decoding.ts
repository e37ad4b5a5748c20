/** Frames decoded into commands, as plain data. */

import { Op } from "../../src/protocol/op.js";
import type { Command } from "../../src/shard/command.js";
import { CommandDecoder } from "../../src/workers/command-decoder.js";
import { encodeFrames, entries, type TestFrame } from "./frames.js";

export const LIMITS = { maxMessageBytes: 1000, maxFrameBytes: 4_000_000, maxBatchMessages: 10, maxNameBytes: 20 };

export type Decoded = { readonly error: string; readonly request: number } | Record<string, unknown>;

/** Decodes frames into commands, with their slices as text, and kinds of errors. */
export const decode = (frames: readonly TestFrame[] | Uint8Array): Decoded[] => {
  const decoded: Decoded[] = [];
  const copy = (command: Command): Record<string, unknown> => {
    if (!("bytes" in command)) return { ...command };
    const { bytes, view: _view, start, end, ...rest } = command;
    const payload = text(bytes.slice(start, end));
    if (rest.op !== "publish") return { ...rest, payload };
    const { keysStart = 0, keysEnd = 0, ...others } = rest;
    return { ...others, ...(keysEnd > keysStart && { keys: text(bytes.slice(keysStart, keysEnd)) }), payload };
  };
  const decoder = new CommandDecoder(
    LIMITS,
    (command) => decoded.push(copy(command)),
    (_connection, request, error) => decoded.push({ error: error.kind, request }),
  );
  const frame = frames instanceof Uint8Array ? frames : encodeFrames(frames);
  // In the middle of a larger buffer, as in a ring.
  const bytes = new Uint8Array(frame.length + 13);
  bytes.set(frame, 7);
  decoder.decode(3, bytes, new DataView(bytes.buffer), 7, 7 + frame.length);
  return decoded;
};

export const text = (payload: Uint8Array): string => Buffer.from(payload).toString("latin1");

export const numbers = (sequence: number, answered: number): Buffer => {
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64BE(BigInt(sequence), 0);
  bytes.writeBigUInt64BE(BigInt(answered), 8);
  return bytes;
};

export const single = (request: number, body: string, head: readonly unknown[] = ["t"]): TestFrame => ({
  op: Op.PUBLISH,
  request,
  head,
  payload: entries(body),
});
