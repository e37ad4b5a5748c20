/** gmq's first generation, byte for byte: each case whole, split at every byte, and sent ahead at once. */
import { afterEach, describe, expect, it } from "vitest";
import { sharedBroker } from "../e2e/brokers.js";
import { FRAME_CASES, TOPICS } from "./gmq-frame-cases.js";
import { CARRIERS, FrameClient, MESSAGE, pop, push, request } from "./gmq-frame-client.js";

/** A split at each byte of a longer request takes long, and shows no more. */
const MAX_SPLIT = 200;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const expectEnd = async (client: FrameClient, closes: boolean | undefined): Promise<void> => {
  if (closes) await client.closed;
  expect(client.answers).toEqual([]);
  expect(client.rest).toHaveLength(0);
};

/** Takes what a case has left behind, up to a job behind all of it: a pop that finds nothing would wait. */
const drain = async (client: FrameClient): Promise<void> => {
  const last = JSON.stringify("last");
  expect(await client.ask(push({ Id: "last", Topic: "last" }))).toBe(MESSAGE("last"));
  for (let id: string | undefined; id !== last; ) {
    const answer = await client.ask(pop([...TOPICS, "last"].join(",")));
    const [, popped, ttr] = /"Id":("(?:[^"\\]|\\.)*"|-?\d+),.*"TTR":(\d+)/.exec(answer) ?? [];
    expect(popped, answer).toBeDefined();
    id = popped;
    if (ttr !== "0") expect(await client.ask(request("ack", `{"JobId":${id}}`))).toBe(MESSAGE("success"));
  }
};

describe.each(CARRIERS)("over $name", (carrier) => {
  const broker = sharedBroker({ durability: "memory", shards: 2, ...carrier.options });

  afterEach(async () => drain(await FrameClient.open(broker(), carrier)));

  it.each(FRAME_CASES)("$name: one by one", async ({ steps, closes }) => {
    const client = await FrameClient.open(broker(), carrier);
    for (const [bytes, answer] of steps) {
      client.send(bytes);
      if (answer !== undefined) expect(await client.hears()).toEqual([answer]);
    }
    await expectEnd(client, closes);
  });

  it.each(FRAME_CASES)("$name: a byte at a time", async ({ steps, closes }) => {
    const client = await FrameClient.open(broker(), carrier);
    for (const [bytes, answer] of steps) {
      for (let at = 0; at < bytes.length; at++) {
        const isLong = bytes.length > MAX_SPLIT;
        client.send(bytes.subarray(at, isLong ? bytes.length : at + 1));
        await turn();
        if (isLong) break;
      }
      if (answer !== undefined) expect(await client.hears()).toEqual([answer]);
    }
    await expectEnd(client, closes);
  });

  it.each(FRAME_CASES)("$name: sent ahead, a byte at a time", async ({ steps, closes }) => {
    const client = await FrameClient.open(broker(), carrier);
    for (const [bytes] of steps) {
      const isLong = bytes.length > MAX_SPLIT;
      if (isLong) client.send(bytes);
      else for (const byte of bytes) await turn().then(() => client.send(Buffer.of(byte)));
    }
    const answers = steps.map(([, answer]) => answer).filter((answer) => answer !== undefined);
    expect(await client.hears(answers.length)).toEqual(answers);
    await expectEnd(client, closes);
  });

  it.each(FRAME_CASES)("$name: all sent ahead", async ({ steps, closes }) => {
    const client = await FrameClient.open(broker(), carrier);
    client.send(...steps.map(([bytes]) => bytes));
    const answers = steps.map(([, answer]) => answer).filter((answer) => answer !== undefined);
    expect(await client.hears(answers.length)).toEqual(answers);
    await expectEnd(client, closes);
  });
});
