/** A topic for each reply: what clients of request and reply do who need not delete what they have used once. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Answer, Op } from "../../src/protocol/op.js";
import { SELECTION_BYTES } from "../../src/protocol/selection.js";
import { entries, type Frame, frame, receiptsOf } from "../main/frames.js";
import { testDirectory } from "./brokers.js";
import { clientOf } from "./clients.js";
import { NativeClient } from "./native-client.js";
import { ANY_PORT, started } from "./program.js";

const TOPICS = 100_000;
/** Under way at once; and there at once, used or not. */
const PIECE = 1_000;
const MOST = 20_000;

/** Room for so many topics at once and no more: whatever of them were left would soon be in the way. */
const LIMITS = ["--memory", "96mb", "--max-topics", "30000", "--max-topics-per-connection", "20000"];

/** MiB that a broker may have grown by, as heaps do. What is counted may not grow at all: see `LIMITS`. */
const MAX_GROWTH = 150;

const residentMemory = (pid: number | undefined): number => {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
};

/** Reads until so many requests are confirmed and so many MESSAGES have come, which it answers. */
const answers = async (client: NativeClient, confirms: number, deliveries: number): Promise<Frame[]> => {
  const messages: Frame[] = [];
  let confirmed = 0;
  while (confirmed < confirms || messages.length < deliveries) {
    const answer = await client.next();
    if (answer.op === Answer.MESSAGES) messages.push(answer);
    else if (answer.op === Answer.CONFIRM)
      confirmed += receiptsOf(answer).reduce((sum, { requests }) => sum + requests, 0);
    else throw new Error(`request ${answer.request} is answered with ${answer.op}: ${String(answer.head)}`);
  }
  return messages;
};

/** What one reply is: somebody waits for it, it comes, is acked, and nobody waits there any more. */
const exchange = async (client: NativeClient, first: number, count: number): Promise<void> => {
  const topicOf = (i: number): string => `reply-${first + i}`;
  const isPop = (i: number): boolean => i % 2 === 0;
  const all = Array.from({ length: count }, (_, i) => i);
  client.send(
    ...all.flatMap((i) => [
      isPop(i) ? frame(Op.POP, 2 + i, [topicOf(i), "", 1, 60_000]) : frame(Op.CONSUME, 2 + i, [topicOf(i), "", 1]),
      frame(Op.PUBLISH, 2 + count + i, [topicOf(i)], entries("the reply")),
    ]),
  );
  const consumers = all.filter((i) => !isPop(i));
  const delivered = await answers(client, count + consumers.length, count);
  const acks = delivered.map(({ request, payload }) => {
    expect(payload.toString("latin1")).toContain("the reply");
    const selection = Buffer.alloc(SELECTION_BYTES);
    payload.copy(selection, 0, 0, 8);
    selection.writeUInt32BE(1, 8);
    return frame(Op.ACK, 2 + 2 * count + request, [topicOf(request - 2), ""], selection);
  });
  const stops = consumers.map((i) => frame(Op.STOP, 10 + 4 * count + i, [topicOf(i), "", 2 + i]));
  client.send(...acks, ...stops);
  await answers(client, acks.length + stops.length, 0);
};

it("a hundred thousand one-off reply topics leave nothing behind", async () => {
  const data = join(testDirectory(), "data");
  const args = [...ANY_PORT, "--shards", "1", ...LIMITS, "--data", data, "--topic-idle", "1s"];
  const broker = await started(args);
  const client = await clientOf(broker.tcp);
  const left = async (): Promise<string[]> => {
    const names: string[] = [];
    for await (const { name } of client.topics()) names.push(name);
    return names;
  };
  const untilNone = async (): Promise<void> => {
    while ((await left()).length > 0) await new Promise((resolve) => setTimeout(resolve, 100));
  };
  const asker = await NativeClient.greeted(broker.tcp);
  const work = async (first: number, count: number): Promise<void> => {
    for (let done = 0; done < count; done += PIECE) {
      await exchange(asker, first + done, PIECE);
      if ((done + PIECE) % MOST === 0) await untilNone();
    }
  };
  // What a broker takes that has done the same for a while: its heap and its files' pages have found their size.
  await work(TOPICS, 2 * MOST);
  const before = residentMemory(broker.child.pid);
  await work(0, TOPICS);
  expect(residentMemory(broker.child.pid) - before).toBeLessThan(MAX_GROWTH);
  await asker.end();
  await client.close();
  broker.child.kill("SIGTERM");
  expect(await broker.exit).toEqual({ code: 0, signal: null });

  const again = await started(args);
  const looker = await clientOf(again.tcp);
  for await (const { name } of looker.topics()) expect.fail(`topic ${name} is there again`);
}, 120_000);
