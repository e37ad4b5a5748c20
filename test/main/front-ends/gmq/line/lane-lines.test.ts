import { expect, test } from "vitest";
import { LaneLines } from "../../../../../src/main/front-ends/gmq/line/lane-lines.js";
import { formatId } from "../../../../../src/protocol/id.js";

const lines = new LaneLines(Buffer.from(" t k\n"));

const pop = (text: string): number => lines.popAt(Buffer.from(text), 0, text.length);
const ack = (text: string): string | number => {
  const next = lines.ackAt(Buffer.from(text), 0, text.length);
  return next < 0 ? next : `${formatId(lines.idHigh, lines.idLow)} ${next}`;
};

test("pops of the lane are read, others are not", () => {
  expect(["pop t k\n", "pop t k\nmore", "pop t k", "pop t x\n", "pop t k\r\n", "pops t k\n", ""].map(pop)).toEqual([
    8, 8, -1, -1, -1, -1, -1,
  ]);
});

test("acks are read with their ids", () => {
  expect(ack("ack 0 t k\n")).toBe("0 10");
  expect(ack("ack 385162517799768064 t k\nmore")).toBe("385162517799768064 27");
  expect(ack("ack 18446744073709551615 t k\n")).toBe("18446744073709551615 29");
  expect(ack("ack 007 t k\n")).toBe("7 12");
});

test.each([
  "ack 18446744073709551616 t k\n",
  "ack 000000000000000000001 t k\n",
  "ack  t k\n",
  "ack x t k\n",
  "ack 1 t\n",
  "ack 1 t k",
  "ack 1",
])("%j is no ack of the lane", (text) => expect(ack(text)).toBe(-1));

test("what is behind the end is not looked at", () => {
  const bytes = Buffer.from("pop t k\nack 1 t k\n");
  expect(lines.popAt(bytes, 0, 7)).toBe(-1);
  expect(lines.ackAt(bytes, 8, 13)).toBe(-1);
  expect(lines.ackAt(bytes, 8, 18)).toBe(18);
});
