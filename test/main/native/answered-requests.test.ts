import { expect, it } from "vitest";
import { markAnswered } from "../../../src/main/native/answered-requests.js";
import { ConsumerLedger } from "../../../src/main/native/consumer-ledger.js";
import { RequestWindow } from "../../../src/main/native/request-window.js";
import { Answer } from "../../../src/protocol/op.js";
import { RECEIPT_BYTES, RECEIPT_REQUEST, RECEIPT_REQUESTS } from "../../../src/protocol/selection.js";
import { frame } from "../frames.js";

const confirm = (request: number): Buffer => {
  const receipt = Buffer.alloc(RECEIPT_BYTES);
  receipt.writeUInt32BE(request, RECEIPT_REQUEST);
  receipt.writeUInt32BE(1, RECEIPT_REQUESTS);
  return frame(Answer.CONFIRM, 0, [], receipt);
};

it("a consumer begins with its CONFIRM, although messages of it come first", () => {
  const window = new RequestWindow(10);
  const ledger = new ConsumerLedger();
  const take = (bytes: Buffer): void =>
    markAnswered(window, ledger, new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length);
  window.add(8, 0);
  ledger.expect(8, { kind: "consume", shard: 0 });
  take(Buffer.concat([frame(Answer.MESSAGES, 8), frame(Answer.MESSAGES, 8)]));
  expect([window.has(8), ledger.isConsumer(8)]).toEqual([true, false]);
  take(confirm(8));
  expect([window.has(8), ledger.isConsumer(8)]).toEqual([false, true]);
  take(Buffer.concat([frame(Answer.MESSAGES, 8), frame(Answer.CONSUMER_CLOSED, 8)]));
  expect([window.has(8), ledger.isConsumer(8), ledger.isConsumer(7)]).toEqual([false, false, false]);
});

it("the messages of a pop settle it", () => {
  const window = new RequestWindow(10);
  const ledger = new ConsumerLedger();
  window.add(8, 0);
  window.add(9, 0);
  ledger.expect(9, { kind: "consume", shard: 0 });
  const bytes = frame(Answer.MESSAGES, 8);
  markAnswered(window, ledger, new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length);
  expect([window.has(8), window.has(9)]).toEqual([false, true]);
});

it("a subscription begins with its CONFIRM, with its RESULT if it has options, and not with an ERROR", () => {
  const window = new RequestWindow(10);
  const ledger = new ConsumerLedger();
  for (const request of [7, 8, 9]) {
    window.add(request, 0);
    ledger.expect(request, { kind: "subscribe", shard: 0, channel: `c${request}` });
  }
  const bytes = Buffer.concat([confirm(7), frame(Answer.RESULT, 8), frame(Answer.ERROR, 9)]);
  markAnswered(window, ledger, new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length);
  expect([7, 8, 9].map((request) => window.has(request))).toEqual([false, false, false]);
  expect(ledger.takeShard(0)).toEqual([7, 8]);
});
