/** Shards that have a fault (test/main/fixtures), in a process of their own: that they are replaced, and how it ends. */
import { expect, it } from "vitest";
import { ERRORS } from "../../src/protocol/errors.js";
import { Answer, Op } from "../../src/protocol/op.js";
import { entries, frame, receiptsOf } from "../main/frames.js";
import { NativeClient } from "./native-client.js";
import { ANY_PORT, started } from "./program.js";

const start = (fault: string, ...flags: readonly string[]) =>
  started([...ANY_PORT, "--shards", "1", ...flags], {
    NODE_OPTIONS: `--import ${new URL(`../main/fixtures/${fault}.mjs`, import.meta.url).href}`,
  });

const codesOf = (frames: readonly { readonly op: number; readonly head: readonly unknown[] }[]): unknown[] =>
  frames.map(({ op, head }) => [op, head[0], head[2]]);

it("replaces a shard that hangs: its clients are answered, what was confirmed is there, the log names the request", async () => {
  const { tcp, text, child, exit } = await start("spinning-shard", "--shard-timeout", "1s");
  const client = await NativeClient.greeted(tcp);
  client.send(frame(Op.PUBLISH, 2, ["kept"], entries("before")));
  expect(receiptsOf(await client.next())).toHaveLength(1);
  client.send(frame(Op.POP, 3, ["kept-waiting", "", 1, 60_000]), frame(Op.CONFIGURE, 4, ["spin", { retries: 3 }]));
  client.send(frame(Op.PUBLISH, 5, ["kept"], entries("behind")));
  const answers = [await client.answer(3), await client.answer(4), await client.answer(5)];
  expect(codesOf(answers)).toEqual(answers.map(() => [Answer.ERROR, ERRORS.SHARD_RESTARTED.code, true]));
  // Until the next life is there requests are refused so that they are sent again.
  const popped = await (async () => {
    for (let request = 10; ; request++) {
      const answer = await client.ask(Op.POP, request, ["kept"]);
      if (answer.op === Answer.MESSAGES) return answer;
      expect(codesOf([answer])).toEqual([[Answer.ERROR, ERRORS.SHARD_RESTARTED.code, true]]);
    }
  })();
  expect(popped.payload.includes("before")).toBe(true);
  expect(text.err).toMatch(
    /ERROR a shard has not got on for too long: .* doing="?carrying out CONFIGURE of connection \d/,
  );
  expect(text.err).toMatch(/WARN +a shard's thread died: it is started again/);
  child.kill("SIGTERM");
  expect(await exit).toEqual({ code: 0, signal: null });
});

it("answers for a shard that hangs over and over, gives it up, and says so", async () => {
  const { tcp, text } = await start("spinning-shard", "--shard-timeout", "200ms");
  const client = await NativeClient.greeted(tcp);
  const codes = new Set<unknown>();
  for (let request = 2; !codes.has(ERRORS.SHARD_DOWN.code); request++) {
    codes.add((await client.ask(Op.STATS, request, ["spin"])).head[0]);
  }
  expect([...codes]).toEqual([ERRORS.SHARD_RESTARTED.code, ERRORS.SHARD_DOWN.code]);
  await client.ping();
  expect(text.err).toContain("a shard got stuck 6 times and is given up");
});

it("does not end with status 0 when a shard has to be cut off, and says what that was at", async () => {
  const { tcp, text, child, exit } = await start("spinning-shard", "--close-timeout", "1s");
  const client = await NativeClient.greeted(tcp);
  client.send(frame(Op.STATS, 2, ["spin"]));
  await client.ping();
  child.kill("SIGTERM");
  expect(await exit).toEqual({ code: 3, signal: null });
  expect(text.err).toMatch(/ERROR a shard has not finished in time and is cut off: .* doing="?carrying out STATS/);
  expect(text.err).toContain("shard 0 did not end in order");
});

it("does not end with status 0 when a journal cannot be ended", async () => {
  const { text, child, exit } = await start("unended-journal");
  child.kill("SIGTERM");
  expect(await exit).toEqual({ code: 3, signal: null });
  expect(text.err).toContain("the journal could not be ended");
  expect(text.err).toContain("shard 0 did not end in order");
});
