import { expect, it } from "vitest";
import { SILENT } from "../../../src/main/log.js";
import { CallDesk, type CallRecipient } from "../../../src/main/native/call-desk.js";
import { resolveOptions } from "../../../src/main/options.js";
import { TestParty } from "../calls/parties.js";

/** A desk whose schedule is in the hands of a test. */
const testDesk = () => {
  const time = { now: 0 };
  const asked: { flushes: (() => void)[]; wakes: number[] } = { flushes: [], wakes: [] };
  const desk = new CallDesk(
    resolveOptions(),
    {
      now: () => time.now,
      soon: (flush) => asked.flushes.push(flush),
      wakeAt: (at) => asked.wakes.push(at),
    },
    SILENT,
  );
  return { desk, time, asked };
};

it("is woken for the first deadline, for an earlier one, and for those that are left", () => {
  const { desk, time, asked } = testDesk();
  const party = new TestParty(desk.calls, time);
  party.respond(1, "c");
  const call = (request: number, timeout: number): void => {
    party.call(request, "c", { timeout });
    desk.begun();
  };
  call(2, 100);
  call(3, 200);
  expect(asked.wakes).toEqual([100]);
  call(4, 50);
  expect(asked.wakes).toEqual([100, 50]);
  time.now = 60;
  desk.expire();
  expect(asked.wakes).toEqual([100, 50, 100]);
  // What was to end then was answered meanwhile.
  party.reply(1);
  time.now = 100;
  desk.expire();
  expect(asked.wakes).toEqual([100, 50, 100, 200]);
  time.now = 200;
  desk.expire();
  expect(asked.wakes).toHaveLength(4);
  const failed = party.take().flatMap((told) => (told.told === "failed" ? [[told.request, told.kind]] : []));
  expect(failed).toEqual([
    [4, "REQUEST_TIMEOUT"],
    [3, "REQUEST_TIMEOUT"],
  ]);
  call(5, 10);
  expect(asked.wakes.at(-1)).toBe(210);
});

it("writes to each connection once for all that came at once, and an error closes the one that it is about", () => {
  const { desk, asked } = testDesk();
  const done: string[] = [];
  const recipient = (name: string): CallRecipient => ({
    peer: name,
    flush: () => {
      done.push(`flush ${name}`);
      if (name === "b") throw new Error("it cannot be written to");
    },
    destroy: () => done.push(`destroy ${name}`),
  });
  const [a, b, c] = ["a", "b", "c"].map(recipient) as [CallRecipient, CallRecipient, CallRecipient];
  for (const each of [a, b, a, c, b]) desk.gathered(each);
  expect(asked.flushes).toHaveLength(1);
  asked.flushes[0]?.();
  expect(done).toEqual(["flush a", "flush b", "destroy b", "flush c"]);
  desk.gathered(a);
  expect(asked.flushes).toHaveLength(2);
});
