/** Leases in a table, and the keeper that renews them, without a broker. */
import { describe, expect, it } from "vitest";
import { localError, type RingmqErrorCode } from "../../../src/client/base/error.js";
import type { SelectionList } from "../../../src/client/consume/selection-list.js";
import type { Settlement } from "../../../src/client/consume/settle-result.js";
import { LeaseKeeper } from "../../../src/client/work/lease-keeper.js";
import { LeaseTable, NO_LINE, NO_TICKET } from "../../../src/client/work/lease-table.js";
import { formatId } from "../../../src/protocol/id.js";

const TTR = 900;
const LINE = 1;

const open = (timeout = Number.POSITIVE_INFINITY) => {
  const table = LeaseTable.ofRows(8);
  const told: [number, number, RingmqErrorCode][] = [];
  const touched: string[][] = [];
  const answers: {
    answer: (faults?: Settlement["faults"]) => Promise<void>;
    fail: (code: RingmqErrorCode) => Promise<void>;
  }[] = [];
  const keeper = new LeaseKeeper(table, timeout, (row, ticket, code) => void told.push([row, ticket, code]));
  const touch = (selections: SelectionList): Promise<Settlement> => {
    touched.push([...selections.ids()]);
    return new Promise((resolve, reject) => {
      const answer = async (faults: Settlement["faults"] = []): Promise<void> => {
        resolve({ settled: selections.messages - faults.length, faults });
        await Promise.resolve();
      };
      const fail = async (code: RingmqErrorCode): Promise<void> => {
        reject(localError(code, "no"));
        await Promise.resolve();
      };
      answers.push({ answer, fail });
    });
  };
  keeper.lines.set(LINE, { ttr: TTR, touch });
  /** A message whose lease begins at that time. */
  const hold = (row: number, low: number, at = 0, line = LINE): number =>
    table.hold(row, line, 1, low, 7, at + TTR, at);
  return { table, keeper, told, touched, answers, hold };
};

const id = (low: number): string => formatId(1, low);

describe("a table of leases", () => {
  it("is read by whoever has its memory", () => {
    const table = LeaseTable.ofRows(3);
    const other = LeaseTable.over(table.memory);
    expect(other.rows).toBe(3);
    const ticket = table.hold(2, 5, 0xffff_ffff, 0xffff_fffe, 0xffff_fffd, 1e15 + 0.5, 2e15);
    expect([0, 1, 2].map((row) => other.ticket(row))).toEqual([NO_TICKET, NO_TICKET, ticket]);
    expect([other.line(2), other.idHigh(2), other.idLow(2), other.delivery(2)]).toEqual([
      5, 0xffff_ffff, 0xffff_fffe, 0xffff_fffd,
    ]);
    expect([other.deadline(2), other.start(2)]).toEqual([1e15 + 0.5, 2e15]);
    expect(table.hold(0, 1, 1, 1, 1, 1, 1)).not.toBe(ticket);
    table.free(2);
    expect(other.ticket(2)).toBe(NO_TICKET);
    other.isWatched = true;
    expect(table.isWatched).toBe(true);
  });
});

describe("the keeper of leases", () => {
  it("renews them when a third of the TTR has passed, together, and says when to look next", async () => {
    const { keeper, touched, answers, hold, table, told } = open();
    expect(keeper.look(0, 0)).toBe(Number.POSITIVE_INFINITY);
    hold(0, 10);
    hold(3, 11);
    hold(5, 99, 100);
    expect([keeper.look(0, 0), touched]).toEqual([300, []]);
    expect(keeper.look(300, 0)).toBe(400);
    expect(touched).toEqual([[id(10), id(11)]]);
    // Not a second time while it is under way.
    expect(keeper.look(350, 0)).toBe(400);
    await answers[0]?.answer();
    expect([keeper.look(400, 0), touched.length]).toEqual([600, 2]);
    await answers[1]?.answer();
    table.free(0);
    table.free(3);
    expect(keeper.look(600, 0)).toBe(700);
    expect([touched.slice(2), told]).toEqual([[], []]);
  });

  it("tries again when a renewal fails, and tells the loss when the lease ends first", async () => {
    const { keeper, touched, answers, hold, told } = open();
    const ticket = hold(0, 1);
    keeper.look(300, 0);
    await answers[0]?.fail("CONNECTION_CLOSED");
    keeper.look(500, 0);
    await answers[1]?.fail("BUSY");
    expect(keeper.look(899, 0)).toBe(900);
    expect([touched.length, told]).toEqual([3, []]);
    expect(keeper.look(900, 0)).toBe(Number.POSITIVE_INFINITY);
    expect(told).toEqual([[0, ticket, "LEASE_LOST"]]);
    // Its answer comes too late to mean anything.
    await answers[2]?.answer();
    keeper.look(2000, 0);
    expect([touched.length, told.length]).toEqual([3, 1]);
  });

  it("tells what the broker does not renew, and why; of what was handed over since, nothing", async () => {
    const { keeper, answers, hold, told } = open();
    const tickets = [hold(0, 1), hold(1, 2), hold(2, 3), hold(3, 4)];
    keeper.look(300, 0);
    // The handler of the last has ended, and another message is in its row.
    hold(3, 5, 290);
    keeper.look(310, 0);
    await answers[0]?.answer([
      { id: id(2), code: "LEASE_LOST" },
      { id: id(3), code: "UNKNOWN_MESSAGE" },
      { id: id(4), code: "UNKNOWN_MESSAGE" },
      { id: "no id of ours", code: "LEASE_LOST" },
    ]);
    expect(told).toEqual([
      [1, tickets[1], "LEASE_LOST"],
      [2, tickets[2], "UNKNOWN_MESSAGE"],
    ]);
    await answers[0]?.answer();
    expect(keeper.look(600, 0)).toBe(900);
  });

  it.each(["NO_TOPIC", "NO_QUEUE", "TOPIC_DELETED"] as const)(
    "renews nothing of a queue that is gone: %s",
    async (code) => {
      const { keeper, answers, hold, told, touched } = open();
      const ticket = hold(4, 1);
      keeper.look(300, 0);
      await answers[0]?.fail(code);
      expect([told, keeper.look(400, 0), touched.length]).toEqual([[[4, ticket, code]], Number.POSITIVE_INFINITY, 1]);
    },
  );

  it("renews a message that came twice in requests of their own, since answers name no deliveries", async () => {
    const { keeper, answers, hold, told, touched } = open();
    const ticket = hold(0, 1);
    hold(1, 1);
    keeper.look(300, 0);
    expect(touched).toEqual([[id(1)]]);
    keeper.look(310, 0);
    expect(touched).toEqual([[id(1)], [id(1)]]);
    await answers[0]?.answer([{ id: id(1), code: "LEASE_LOST" }]);
    await answers[1]?.answer();
    expect(told).toEqual([[0, ticket, "LEASE_LOST"]]);
  });

  it("tells when a handler has had its time, and renews its lease no more, nor that of a row without one", async () => {
    const { keeper, hold, told, touched, answers } = open(1000);
    const [kept, bare] = [hold(0, 1), hold(1, 2, 50, NO_LINE)];
    expect(keeper.look(0, 0)).toBe(300);
    keeper.look(300, 0);
    await answers[0]?.answer();
    expect([keeper.look(999, 0), told]).toEqual([expect.any(Number), []]);
    expect([keeper.look(1000, 0), told]).toEqual([1050, [[0, kept, "HANDLER_TIMEOUT"]]]);
    keeper.look(1050, 0);
    expect([told[1], keeper.look(5000, 0)]).toEqual([[1, bare, "HANDLER_TIMEOUT"], Number.POSITIVE_INFINITY]);
    expect(touched.every((ids) => ids.join() === id(1))).toBe(true);
  });

  it("leaves leases to a process whose event loop has stood for twelve TTRs, unless its handlers have a timeout", () => {
    for (const [timeout, isLost] of [
      [Number.POSITIVE_INFINITY, true],
      [1e9, false],
    ] as const) {
      const { keeper, hold, told, touched } = open(timeout);
      const ticket = hold(0, 1, 20_000);
      keeper.look(20_400, 12 * TTR);
      expect([touched.length, told]).toEqual([1, []]);
      keeper.look(20_410, 12 * TTR + 1);
      expect(told).toEqual(isLost ? [[0, ticket, "LEASE_LOST"]] : []);
    }
  });

  it("waits for a line that it does not know yet", () => {
    const { keeper, hold, touched, told } = open();
    hold(0, 1, 0, 2);
    expect([keeper.look(500, 0), touched, told]).toEqual([500, [], []]);
  });
});
