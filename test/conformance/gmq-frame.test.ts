/** gmq's first generation, byte for byte: each case whole, split at every byte, and sent ahead at once. */
import { describe, expect, it } from "vitest";
import type { BrokerOptions } from "../../src/main/options.js";
import { type TestBroker, testBroker } from "../e2e/brokers.js";
import { FRAME_CASES } from "./gmq-frame-cases.js";
import { CARRIERS, FrameClient } from "./gmq-frame-client.js";

/** A split at each byte of a longer request takes long, and shows no more. */
const MAX_SPLIT = 200;

const start = (options: Partial<BrokerOptions>): Promise<TestBroker> =>
  testBroker({ durability: "memory", shards: 2, ...options });

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const expectEnd = async (client: FrameClient, closes: boolean | undefined): Promise<void> => {
  if (closes) await client.closed;
  expect(client.answers).toEqual([]);
  expect(client.rest).toHaveLength(0);
};

describe.each(CARRIERS)("over $name", (carrier) => {
  it.each(FRAME_CASES)("$name: one by one", async ({ steps, closes }) => {
    const client = await FrameClient.open(await start(carrier.options), carrier);
    for (const [bytes, answer] of steps) {
      client.send(bytes);
      if (answer !== undefined) expect(await client.hears()).toEqual([answer]);
    }
    await expectEnd(client, closes);
  });

  it.each(FRAME_CASES)("$name: a byte at a time", async ({ steps, closes }) => {
    const client = await FrameClient.open(await start(carrier.options), carrier);
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
    const client = await FrameClient.open(await start(carrier.options), carrier);
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
    const client = await FrameClient.open(await start(carrier.options), carrier);
    client.send(...steps.map(([bytes]) => bytes));
    const answers = steps.map(([, answer]) => answer).filter((answer) => answer !== undefined);
    expect(await client.hears(answers.length)).toEqual(answers);
    await expectEnd(client, closes);
  });
});
