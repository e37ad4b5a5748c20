import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ERRORS } from "../../src/protocol/errors.js";
import { Answer, Op } from "../../src/protocol/op.js";
import { entries, frame } from "../main/frames.js";
import { testBroker, testDirectory } from "./brokers.js";
import { NativeClient } from "./native-client.js";

const { code } = ERRORS.DUPLICATE_REQUEST;

const CONSUMER = 8;

/** Sends a request, and reads the CONFIRM: it carries no number. */
const confirm = async (client: NativeClient, request: Buffer): Promise<void> => {
  client.send(request);
  expect((await client.next()).op).toBe(Answer.CONFIRM);
};

/** A connection whose consumer has been confirmed, and others that have been since. */
const consuming = async (port: number): Promise<NativeClient> => {
  const client = await NativeClient.greeted(port);
  await confirm(client, frame(Op.CONSUME, CONSUMER, ["t", "", 10]));
  expect((await client.ask(Op.PING, 9)).op).toBe(Answer.RESULT);
  return client;
};

const expectClosed = async (client: NativeClient, request: number): Promise<void> => {
  await client.closed;
  const last = client.frames.at(-1);
  expect([last?.op, last?.request, last?.head[0]]).toEqual([Answer.ERROR, request, code]);
};

describe("a request under a number that is in use is a duplicate, and closes the connection", () => {
  it("when a consumer has it that lives", async () => {
    const { tcp } = await testBroker({ shards: 2 });
    const directory = join(testDirectory(), "copy");
    const duplicates = [
      frame(Op.PUBLISH, CONSUMER, ["t"], entries("x")),
      frame(Op.PUBLISH, CONSUMER, ["elsewhere"], entries("x")),
      frame(Op.POP, CONSUMER, ["t"]),
      frame(Op.CONSUME, CONSUMER, ["t", "", 1]),
      frame(Op.SUBSCRIBE, CONSUMER, ["channel"]),
      frame(Op.STATS, CONSUMER, ["t"]),
      frame(Op.PING, CONSUMER),
      frame(Op.BACKUP, CONSUMER, [directory]),
    ];
    for (const duplicate of duplicates) {
      const client = await consuming(tcp);
      client.send(duplicate);
      await expectClosed(client, CONSUMER);
    }
  });

  it("when a backup has it that is being made", async () => {
    for (const [i, second] of [
      frame(Op.BACKUP, 5, [join(testDirectory(), "copy")]),
      frame(Op.PUBLISH, 5, ["t"], entries("x")),
      frame(Op.PING, 5),
    ].entries()) {
      // Of its own: a broker makes one at a time, and the last may not be made yet.
      const { tcp } = await testBroker();
      const client = await NativeClient.greeted(tcp);
      client.send(frame(Op.BACKUP, 5, [join(testDirectory(), `first-${i}`)]), second);
      await expectClosed(client, 5);
    }
  });
});

describe("a number is free again", () => {
  it("when its consumer has been stopped", async () => {
    const { tcp } = await testBroker();
    const client = await consuming(tcp);
    await confirm(client, frame(Op.STOP, 10, ["t", "", CONSUMER]));
    await confirm(client, frame(Op.PUBLISH, CONSUMER, ["t"], entries("x")));
  });

  it("when its consumer's topic is gone", async () => {
    const { tcp } = await testBroker();
    const client = await consuming(tcp);
    client.send(frame(Op.DELETE_TOPIC, 10, ["t"]));
    const answers = [await client.next(), await client.next()].map(({ op }) => op);
    expect(answers.sort()).toEqual([Answer.CONFIRM, Answer.CONSUMER_CLOSED]);
    await confirm(client, frame(Op.PUBLISH, CONSUMER, ["t"], entries("x")));
  });

  it("when its backup has been made, or refused", async () => {
    const { tcp } = await testBroker();
    const client = await NativeClient.greeted(tcp);
    expect((await client.ask(Op.BACKUP, 5, [join(testDirectory(), "copy")])).op).toBe(Answer.RESULT);
    expect((await client.ask(Op.BACKUP, 5, ["not absolute"])).op).toBe(Answer.ERROR);
    expect((await client.ask(Op.BACKUP, 5, [7])).op).toBe(Answer.ERROR);
    expect((await client.ask(Op.PING, 5)).op).toBe(Answer.RESULT);
  });
});

it("a consumer's own number is no hindrance to the numbers around it", async () => {
  const { tcp } = await testBroker();
  const client = await consuming(tcp);
  for (const request of [CONSUMER - 1, CONSUMER + 1, CONSUMER + 64, 2]) {
    client.send(frame(Op.PUBLISH, request, ["t"], entries("x")));
    const answers = [await client.next(), await client.next()].map(({ op, request: of }) => [op, of]);
    expect(answers).toContainEqual([Answer.MESSAGES, CONSUMER]);
    expect(answers.map(([op]) => op)).toContain(Answer.CONFIRM);
  }
});
