import fc from "fast-check";
import { expect, test } from "vitest";
import { AnswerScanner } from "../../bench/wire/answer-scanner.js";
import { FrameAssembler } from "../../bench/wire/frame-assembler.js";
import { Deframer } from "../../bench/wire/websocket-framing.js";
import { FrameWriter, OP, REQUEST } from "../../src/protocol/frame.js";
import { NO_HEAD } from "../../src/protocol/head.js";
import { Answer } from "../../src/protocol/op.js";
import { BYTES, COUNT, KEY, KEY_LENGTH } from "../../src/protocol/run.js";
import { RECEIPT_BYTES, RECEIPT_REQUEST, RECEIPT_REQUESTS } from "../../src/protocol/selection.js";
import { byteByByte, cuts, feed } from "./stream-pieces.js";

/** What is told of a stream: answers as "op request", runs as "run request count". */
type Told = string[];

const run = (key: number, entryBytes: number, count: number): Uint8Array => {
  const bytes = new Uint8Array(KEY + key + entryBytes).fill(0xff, KEY);
  const view = new DataView(bytes.buffer);
  view.setUint32(COUNT, count);
  view.setUint32(BYTES, entryBytes);
  view.setUint8(KEY_LENGTH, key);
  return bytes;
};

const receipt = (request: number, requests: number): Uint8Array => {
  const bytes = new Uint8Array(RECEIPT_BYTES);
  new DataView(bytes.buffer).setUint32(RECEIPT_REQUEST, request);
  new DataView(bytes.buffer).setUint32(RECEIPT_REQUESTS, requests);
  return bytes;
};

const stream = (): { bytes: Uint8Array; told: Told; frames: Told } => {
  const writer = new FrameWriter();
  const frame = (op: number, request: number, ...payloads: readonly Uint8Array[]): void => {
    writer.open(op, 0, request, NO_HEAD);
    for (const payload of payloads) writer.append(payload);
    writer.close();
  };
  frame(Answer.CONFIRM, 0, receipt(2, 7), receipt(9, 1));
  frame(Answer.MESSAGES, 11, run(0, 200, 3), run(7, 90, 2));
  frame(Answer.MESSAGES, 12);
  frame(Answer.RESULT, 13);
  frame(Answer.MESSAGES, 14, run(255, 0, 1));
  frame(Answer.CONFIRM, 0, receipt(15, 1));
  const bytes = writer.written().slice();
  return {
    bytes,
    told: ["128 0", "run 11 3", "run 11 2", "130 13", "run 14 1", "128 0"],
    frames: ["128 0", "129 11", "129 12", "130 13", "129 14", "128 0"],
  };
};

const scan = (bytes: Uint8Array, pieces: readonly number[]): Told => {
  const told: Told = [];
  const scanner = new AnswerScanner(
    ({ op, request }) => told.push(`${op} ${request}`),
    (request, view, at) => told.push(`run ${request} ${view.getUint32(at + COUNT)}`),
  );
  feed(bytes, pieces, (...piece) => scanner.push(...piece));
  return told;
};

const assemble = (bytes: Uint8Array, pieces: readonly number[]): Told => {
  const told: Told = [];
  const assembler = new FrameAssembler((_bytes, view, start) =>
    told.push(`${view.getUint8(start + OP)} ${view.getUint32(start + REQUEST)}`),
  );
  feed(bytes, pieces, (...piece) => assembler.push(...piece));
  return told;
};

test("a scanner tells the same answers and runs however the stream is cut", () => {
  const { bytes, told } = stream();
  expect(scan(bytes, [])).toEqual(told);
  expect(scan(bytes, byteByByte)).toEqual(told);
  fc.assert(
    fc.property(cuts, (pieces) => {
      expect(scan(bytes, pieces)).toEqual(told);
    }),
  );
});

test("an assembler tells the same frames however the stream is cut", () => {
  const { bytes, frames } = stream();
  expect(assemble(bytes, [])).toEqual(frames);
  expect(assemble(bytes, byteByByte)).toEqual(frames);
  fc.assert(
    fc.property(cuts, (pieces) => {
      expect(assemble(bytes, pieces)).toEqual(frames);
    }),
  );
});

test("a deframer takes the WebSocket framing of a server off, at each size of length field", () => {
  const payloads = [0, 1, 125, 126, 0xffff, 0x1_0000].map((size) => new Uint8Array(size).fill(size % 251));
  const messages = payloads.map((payload) => {
    const header =
      payload.length < 126
        ? [0x82, payload.length]
        : payload.length < 0x1_0000
          ? [0x82, 126, payload.length >>> 8, payload.length & 0xff]
          : [0x82, 127, 0, 0, 0, 0, 0, payload.length >>> 16, (payload.length >>> 8) & 0xff, payload.length & 0xff];
    return Buffer.concat([Uint8Array.from(header), payload]);
  });
  const bytes = new Uint8Array(Buffer.concat(messages));
  for (const pieces of [[], [1, 2, 3, 200, 1, 65_535], Array.from({ length: bytes.length }, () => 1)]) {
    const received: Buffer[] = [];
    const deframer = new Deframer(
      (piece, _view, start, end) => received.push(Buffer.from(piece.slice(start, end))),
      () => {},
    );
    feed(bytes, pieces, (...piece) => deframer.push(...piece));
    expect(Buffer.concat(received).equals(Buffer.concat(payloads))).toBe(true);
  }
});
