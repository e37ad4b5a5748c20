import { describe, expect, it } from "vitest";
import type { Message } from "../../../src/client/consume/message.js";
import { MessageBuffer } from "../../../src/client/consume/message-buffer.js";
import { readDeliveredRuns } from "../../../src/client/consume/run-reader.js";
import type { SelectionList } from "../../../src/client/consume/selection-list.js";
import type { Settler } from "../../../src/client/consume/settler.js";
import { type RunFields, runs, selectionsOf } from "../scripted-broker.js";

const bodies = (low: number, count: number): string[] => Array.from({ length: count }, (_, i) => `${low + i}`);

const run = (low: number, count: number, delivery: number, time: number): RunFields => ({
  high: 1,
  low,
  delivery,
  bodies: bodies(low, count),
  time,
});

/** With 10 to 12 until 100, 20 to 22 until 200, 30 until 300. */
const filled = (): MessageBuffer => {
  const buffer = new MessageBuffer();
  const bytes = new Uint8Array(runs(run(10, 3, 1, 100), run(20, 3, 2, 200), run(30, 1, 3, 300)));
  for (const reader of readDeliveredRuns(bytes, new DataView(bytes.buffer), 0, bytes.length, {} as Settler)) {
    buffer.push(reader);
  }
  return buffer;
};

const selected = (list: SelectionList): number[][] => selectionsOf({ payload: Buffer.from(list.encode()) } as never);

const next = (buffer: MessageBuffer): Message | undefined => buffer.first && buffer.shift(buffer.first);

const rest = (buffer: MessageBuffer): string[] => {
  const texts: string[] = [];
  for (let message = next(buffer); message !== undefined; message = next(buffer)) texts.push(message.text());
  return texts;
};

describe("unread messages", () => {
  it("are handed out in order", () => {
    const buffer = filled();
    expect([buffer.size, buffer.runs]).toEqual([7, 3]);
    expect(rest(buffer)).toEqual(["10", "11", "12", "20", "21", "22", "30"]);
    expect([buffer.size, buffer.runs, buffer.deadline]).toEqual([0, 0, Number.POSITIVE_INFINITY]);
  });

  it("go when their leases end, the read ones of a run not among them", () => {
    const buffer = filled();
    next(buffer);
    expect(selected(buffer.selectExpired(99))).toEqual([]);
    expect(selected(buffer.selectExpired(200))).toEqual([
      [11, 2, 1],
      [20, 3, 2],
    ]);
    expect([buffer.size, rest(buffer)]).toEqual([1, ["30"]]);
  });

  it("go from the end, or from the front, through the middle of a run", () => {
    const buffer = filled();
    next(buffer);
    expect(selected(buffer.selectLast(3))).toEqual([
      [21, 2, 2],
      [30, 1, 3],
    ]);
    expect(selected(buffer.selectFirst(1))).toEqual([[11, 1, 1]]);
    expect([buffer.size, rest(buffer)]).toEqual([2, ["12", "20"]]);
  });

  it("have another deadline when they are renewed; what was read keeps its own", () => {
    const buffer = filled();
    const first = next(buffer);
    buffer.renew(500);
    const second = next(buffer);
    expect([first?.deadline, second?.deadline, second?.text(), buffer.deadline]).toEqual([100, 500, "11", 500]);
  });
});
