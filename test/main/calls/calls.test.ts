import { describe, expect, it } from "vitest";
import { MAX_WAITING } from "../../../src/main/calls/waiting-calls.js";
import { MAX_CALL_CREDIT } from "../../../src/protocol/limits.js";
import { type TestParty, testCalls } from "./parties.js";

/** The texts of the calls that it is given next, replying to each until none comes. */
const serveAll = (responder: TestParty): string[] => {
  const texts: string[] = [];
  for (;;) {
    const calls = responder.take().flatMap((told) => (told.told === "called" ? [told] : []));
    if (calls.length === 0) return texts;
    for (const { call, text } of calls) {
      texts.push(text);
      responder.reply(call);
    }
  }
};

describe("a call", () => {
  it("goes to a responder of its channel, and the reply comes back under its number", () => {
    const { calls, time, party } = testCalls();
    const [requester, responder] = [party(), party()];
    responder.respond(7, "sum", 2);
    responder.take();
    requester.call(1, "sum", { body: "2 + 2", timeout: 100 });
    time.now = 60;
    requester.call(2, "sum", { body: "3 + 3", timeout: 100 });
    const [first, second] = responder.take();
    expect(first).toEqual({ told: "called", responder: 7, call: 1, left: 100, text: "2 + 2" });
    expect(second).toEqual({ told: "called", responder: 7, call: 2, left: 100, text: "3 + 3" });
    responder.reply(2, "6");
    responder.reply(1, "4");
    expect(requester.take()).toEqual([
      { told: "replied", request: 2, text: "6" },
      { told: "replied", request: 1, text: "4" },
    ]);
    expect(calls.size).toBe(0);
    expect(calls.due).toBe(Number.POSITIVE_INFINITY);
  });

  it("is refused at once where nobody responds, and when the last responder goes while it waits", () => {
    const { calls, party } = testCalls();
    const [requester, responder, other] = [party(), party(), party()];
    requester.call(1, "c");
    responder.respond(1, "elsewhere");
    requester.call(2, "c");
    expect(requester.take()).toEqual([
      { told: "failed", request: 1, kind: "NO_RESPONDER" },
      { told: "failed", request: 2, kind: "NO_RESPONDER" },
    ]);
    responder.respond(2, "c");
    other.respond(3, "c");
    for (let request = 3; request <= 6; request++) requester.call(request, "c");
    responder.stop(9, "c", 2);
    expect(requester.take()).toEqual([]);
    other.leave();
    expect(requester.take()).toEqual([
      { told: "failed", request: 5, kind: "NO_RESPONDER" },
      { told: "failed", request: 6, kind: "NO_RESPONDER" },
      { told: "failed", request: 4, kind: "RESPONDER_LOST" },
    ]);
    // What a stopped responder has it can still settle.
    responder.reply(1);
    expect(requester.take()).toEqual([{ told: "replied", request: 3, text: "!" }]);
    expect([calls.size, calls.waitingBytes]).toEqual([0, 0]);
  });

  it("times out while it waits and while a responder has it, which hears of it and keeps its place until it settles it", () => {
    const { calls, time, party } = testCalls();
    const [requester, responder] = [party(), party()];
    responder.respond(1, "c");
    requester.call(1, "c", { timeout: 100 });
    requester.call(2, "c", { timeout: 50 });
    requester.call(3, "c", { timeout: 500 });
    responder.take();
    expect(calls.due).toBe(50);
    time.now = 50;
    calls.expire(50);
    expect(requester.take()).toEqual([{ told: "failed", request: 2, kind: "REQUEST_TIMEOUT" }]);
    expect(responder.take()).toEqual([]);
    calls.expire(99);
    expect(requester.take()).toEqual([]);
    time.now = 100;
    calls.expire(100);
    expect(requester.take()).toEqual([{ told: "failed", request: 1, kind: "REQUEST_TIMEOUT" }]);
    // Its handler may still be at it: it gets nothing else.
    expect(responder.take()).toEqual([{ told: "abandoned", responder: 1, call: 1, reason: "REQUEST_TIMEOUT" }]);
    responder.reply(1, "too late");
    expect(requester.take()).toEqual([]);
    expect(responder.takeCalls()).toEqual([2]);
    responder.reply(2);
    expect(requester.take()).toEqual([{ told: "replied", request: 3, text: "!" }]);
    expect(calls.size).toBe(0);
  });

  it("can be abandoned, waiting or not, once", () => {
    const { calls, party } = testCalls();
    const [requester, responder] = [party(), party()];
    responder.respond(1, "c");
    requester.call(1, "c");
    requester.call(2, "c");
    responder.take();
    for (const request of [2, 1, 1, 77]) requester.abandon(request);
    expect(requester.take()).toEqual([
      { told: "failed", request: 2, kind: "REQUEST_ABANDONED" },
      { told: "failed", request: 1, kind: "REQUEST_ABANDONED" },
    ]);
    expect(responder.take()).toEqual([{ told: "abandoned", responder: 1, call: 1, reason: "REQUEST_ABANDONED" }]);
    expect([calls.size, calls.waitingBytes]).toEqual([0, 0]);
  });

  it("fails with the name and the text of the responder's error", () => {
    const { party } = testCalls();
    const [requester, responder] = [party(), party()];
    responder.respond(1, "c");
    requester.call(1, "c");
    responder.fail(1, "TypeError", "no such user");
    expect(requester.take()).toEqual([
      { told: "responderFailed", request: 1, name: "TypeError", text: "no such user" },
    ]);
  });

  it("is settled once, by the connection that has it", () => {
    const { party } = testCalls();
    const [requester, responder, thief] = [party(), party(), party()];
    responder.respond(1, "c", 5);
    thief.respond(1, "other", 5);
    requester.call(1, "c");
    requester.call(2, "c");
    for (const each of [requester, responder, thief]) each.take();
    thief.reply(1, "stolen");
    thief.fail(2, "Error", "stolen");
    expect(thief.take()).toEqual([
      { told: "failed", request: 0, kind: "UNKNOWN_CALL" },
      { told: "failed", request: 0, kind: "UNKNOWN_CALL" },
    ]);
    responder.reply(1, "once");
    responder.reply(1, "twice");
    responder.fail(1, "Error", "thrice");
    expect(requester.take()).toEqual([{ told: "replied", request: 1, text: "once" }]);
    expect(responder.take().map(({ told }) => told)).toEqual(["failed", "failed"]);
  });

  it("of a connection that goes is taken from the responder; what its own responders had is lost for the others", () => {
    const { calls, party } = testCalls();
    const [requester, responder] = [party(), party()];
    responder.respond(1, "c");
    requester.respond(2, "d");
    requester.call(3, "c");
    requester.call(4, "c");
    requester.call(5, "d");
    responder.call(6, "d");
    responder.take();
    requester.leave();
    expect(responder.take()).toEqual([
      { told: "abandoned", responder: 1, call: 1, reason: "REQUEST_ABANDONED" },
      { told: "failed", request: 6, kind: "NO_RESPONDER" },
    ]);
    responder.reply(1);
    expect(responder.take()).toEqual([]);
    expect([calls.size, calls.responders, calls.waitingBytes]).toEqual([0, 1, 0]);
  });

  it("is over once, though a connection is cut off as it is told of another's end", () => {
    const { calls, party } = testCalls();
    const [requester, responder] = [party(), party()];
    responder.respond(1, "c");
    for (let request = 1; request <= 3; request++) requester.call(request, "c");
    // It was behind with reading, and this is more than it may leave unread: some transports close at once.
    responder.abandoned = () => responder.leave();
    requester.leave();
    expect([calls.size, calls.waitingBytes, calls.responders]).toEqual([0, 0, 0]);
    expect(requester.member.calls.size + responder.member.owed.size).toBe(0);
  });
});

describe("the responders of a channel", () => {
  it("take turns while they have as much to do, and the one that has least is next otherwise", () => {
    const { party } = testCalls();
    const requester = party();
    const responders = [party(), party(), party()];
    for (const responder of responders) responder.respond(1, "c", 10);
    for (let request = 1; request <= 9; request++) requester.call(request, "c");
    expect(responders.map((responder) => responder.takeCalls().length)).toEqual([3, 3, 3]);
    // The second is fast, the third a bit.
    for (const call of [1, 2, 3]) responders[1]?.reply(call);
    responders[2]?.reply(1);
    for (let request = 10; request <= 13; request++) requester.call(request, "c");
    expect(responders.map((responder) => responder.takeCalls().length)).toEqual([0, 3, 1]);
  });

  it("take turns when they have nothing to do", () => {
    const { party } = testCalls();
    const requester = party();
    const responders = [party(), party(), party()];
    for (const responder of responders) responder.respond(1, "c", 10);
    const turns: number[] = [];
    for (let request = 1; request <= 9; request++) {
      requester.call(request, "c");
      responders.forEach((responder, i) => {
        for (const call of responder.takeCalls()) {
          turns.push(i);
          responder.reply(call);
        }
      });
    }
    const [first, second, third] = turns;
    expect(new Set([first, second, third]).size).toBe(3);
    expect(turns.slice(3)).toEqual([first, second, third, first, second, third]);
  });

  it("never have more than their credit, and those with none on a held connection", () => {
    const { calls, party } = testCalls();
    const [requester, small, large] = [party(), party(), party()];
    small.respond(1, "c", 2);
    large.respond(1, "c", 5);
    large.respond(2, "c", 1);
    for (let request = 1; request <= 20; request++) requester.call(request, "c");
    expect(small.takeCalls().length).toBe(2);
    const had = large.takeCalls();
    expect(had.length).toBe(6);
    calls.hold(large.member);
    for (const call of had) large.reply(call);
    expect(large.takeCalls()).toEqual([]);
    small.reply(1);
    expect(small.takeCalls().length).toBe(1);
    calls.unhold(large.member, 0);
    expect(large.takeCalls().length).toBe(6);
    expect(serveAll(small).length + serveAll(large).length).toBeLessThanOrEqual(20);
  });

  it("serve requesters in turn: one that floods the channel keeps nobody waiting", () => {
    const { party } = testCalls();
    const [flood, quiet, responder] = [party(), party(), party()];
    responder.respond(1, "c");
    for (let request = 1; request <= 1_000; request++) flood.call(request, "c", { body: "flood" });
    for (let request = 1; request <= 3; request++) quiet.call(request, "c", { body: `quiet ${request}` });
    const served = serveAll(responder);
    expect(served.length).toBe(1_003);
    expect(served.filter((text) => text !== "flood")).toEqual(["quiet 1", "quiet 2", "quiet 3"]);
    expect(served.lastIndexOf("quiet 3")).toBeLessThan(8);
  });
});

describe("the bounds of calls", () => {
  it("refuse with BUSY what would wait beyond a requester's share, a channel's room and everybody's", () => {
    const { calls, party } = testCalls({ maxWaitingBytes: 100_000 });
    const responder = party();
    responder.respond(1, "c");
    const requesters = Array.from({ length: 6 }, party);
    const waiting = requesters.map((requester) => {
      for (let request = 1; request <= 4_000; request++) requester.call(request, "c");
      return 4_000 - requester.take().filter((told) => told.told === "failed" && told.kind === "BUSY").length;
    });
    // The first has one under way, and the others their shares as long as there is room.
    expect(waiting).toEqual([MAX_WAITING / 4 + 1, MAX_WAITING / 4, MAX_WAITING / 4, MAX_WAITING / 4, 0, 0]);
    expect(calls.waitingBytes).toBe(MAX_WAITING);
    responder.respond(2, "d");
    const other = party();
    other.call(1, "d");
    other.call(2, "d", { body: "x".repeat(50_000) });
    other.call(3, "d", { body: "x".repeat(50_000) });
    expect(other.take()).toEqual([{ told: "failed", request: 3, kind: "BUSY" }]);
    for (const requester of [...requesters, other]) requester.leave();
    expect([calls.size, calls.waitingBytes]).toEqual([0, 0]);
  });

  it("let a call wait where none waits, however large", () => {
    const { calls, party } = testCalls({ maxWaitingBytes: 10 });
    const [requester, responder] = [party(), party()];
    responder.respond(1, "c");
    requester.call(1, "c");
    requester.call(2, "c", { body: "x".repeat(1_000) });
    requester.call(3, "c");
    expect(requester.take()).toEqual([{ told: "failed", request: 3, kind: "BUSY" }]);
    expect(calls.waitingBytes).toBe(1_000);
  });

  it("hold for responders and their credit, which stopped ones give back as they settle", () => {
    const { party } = testCalls({ maxResponders: 3 });
    const [requester, responder, other] = [party(), party(), party()];
    expect(responder.respond(1, "c", MAX_CALL_CREDIT - 1)).toBe(true);
    expect(responder.respond(2, "c", 2)).toBe(false);
    requester.call(1, "c");
    requester.call(2, "c");
    expect(responder.stop(3, "c", 1)).toBe(true);
    expect(responder.stop(4, "c", 1)).toBe(false);
    expect(responder.respond(1, "d", MAX_CALL_CREDIT - 1)).toBe(false);
    expect(responder.respond(1, "d", MAX_CALL_CREDIT - 2)).toBe(true);
    responder.reply(1);
    responder.fail(2, "Error", "");
    expect(responder.respond(5, "d", 2)).toBe(true);
    expect(other.respond(1, "d")).toBe(true);
    expect(other.respond(2, "d")).toBe(false);
    const failed = [...responder.take(), ...other.take()].flatMap((told) =>
      told.told === "failed" ? [told.kind] : [],
    );
    expect(failed).toEqual(["TOO_MANY_IN_FLIGHT", "NO_CONSUMER", "TOO_MANY_IN_FLIGHT", "TOO_MANY_CONSUMERS"]);
  });

  it("leave responders to other connections, whatever one has", () => {
    const { calls, party } = testCalls({ maxResponders: 3, maxRespondersOfOne: 2 });
    const [greedy, other] = [party(), party()];
    const taken = [1, 2, 3].map((request) => greedy.respond(request, "c"));
    expect([...taken, other.respond(1, "c")]).toEqual([true, true, false, true]);
    expect(greedy.take().at(-1)).toMatchObject({ told: "failed", request: 3, kind: "TOO_MANY_CONSUMERS" });
    greedy.stop(4, "c", 1);
    expect(greedy.respond(5, "c")).toBe(true);
    expect(calls.responders).toBe(3);
  });
});
