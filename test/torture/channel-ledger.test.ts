import { describe, expect, it } from "vitest";
import { type ChannelArrival, ChannelLedger, newReader } from "../../src/torture/channel-ledger.js";
import { Findings } from "../../src/torture/findings.js";

const start = () => {
  const findings = new Findings();
  const ledger = new ChannelLedger(7, "kept", findings);
  /** Two publishers, whose messages are taken in turn: message n of each is at 2n and 2n + 1. */
  const bodies = Array.from({ length: 6 }, (_, i) => {
    const { number, body } = ledger.send(i % 2);
    ledger.confirm(i % 2, number, `${100 + i}`);
    return body;
  });
  const reader = newReader();
  const read = (position: number, more: Partial<ChannelArrival> = {}): void =>
    ledger.arrive(reader, {
      position,
      epoch: "1",
      id: `${100 + position}`,
      text: bodies[position] ?? "",
      lost: 0,
      ...more,
    });
  const kinds = (): string[] => findings.list().map(({ kind, count }) => `${kind} ${count}`);
  return { ledger, bodies, reader, read, kinds };
};

const all = (read: (position: number) => void): void => {
  for (let position = 0; position < 6; position++) read(position);
};

describe("what is read of a kept channel", () => {
  it("is faultless when each confirmed message comes once, in order", () => {
    const { ledger, reader, read, kinds } = start();
    // One in doubt may be there or not.
    ledger.send(0);
    all(read);
    ledger.finish(reader);
    expect([kinds(), ledger.confirmed, ledger.heard]).toEqual([[], 6, 6]);
  });

  it("may not lack a confirmed message", () => {
    const { ledger, reader, read, kinds } = start();
    for (const position of [0, 1, 2, 3, 4]) read(position);
    ledger.finish(reader);
    expect(kinds()).toEqual(["lost 1"]);
  });

  it("may have no gap and nothing twice, nor another epoch", () => {
    const { read, kinds } = start();
    for (const position of [0, 2, 3]) read(position);
    read(3);
    read(4, { lost: 1 });
    read(5, { epoch: "2" });
    expect(kinds()).toEqual(["gap 4", "order 1"]);
  });

  it("is the same for every reader", () => {
    const { ledger, bodies, read, kinds } = start();
    all(read);
    const other = newReader();
    ledger.arrive(other, { position: 0, epoch: "1", id: "101", text: bodies[1] ?? "", lost: 0 });
    expect(kinds()).toEqual(["position changed 1"]);
  });

  it("is what was published, as its publisher was told", () => {
    const { ledger, read, kinds } = start();
    const { number, body } = ledger.send(0);
    ledger.refuse(0, number);
    read(0, { text: "something else" });
    read(1, { id: "999" });
    read(2, { text: body });
    expect(kinds()).toEqual(["invented 2", "id changed 1"]);
    ledger.confirm(1, 0, undefined);
    expect(kinds()).toContain("configuration 1");
  });
});
