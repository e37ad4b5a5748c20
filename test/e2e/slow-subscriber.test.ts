import { describe, expect, it } from "vitest";
import { ERRORS } from "../../src/protocol/errors.js";
import { Answer, Op } from "../../src/protocol/op.js";
import { entries, type Frame, frame, receiptsOf } from "../main/frames.js";
import { testBroker } from "./brokers.js";
import { NativeClient } from "./native-client.js";

/**
 * 90 MB: more than sockets (Linux lets them grow to 36 MB), the connection's outgoing bytes and the channel's backlog
 * hold together.
 */
const MESSAGES = 1_500;
const BODY_BYTES = 60_000;

/** The numbers that the messages of a frame begin with. */
const numbersOf = ({ payload }: Frame): number[] => {
  const numbers: number[] = [];
  for (let at = 0; at < payload.length; at += 4 + payload.readUInt32BE(at)) {
    numbers.push(Number.parseInt(payload.toString("latin1", at + 4, at + 10), 10));
  }
  return numbers;
};

/** A subscriber of a channel that reads nothing while everything is published to it, or until it is sent away. */
const floodedSubscriber = async (overflow: "drop-oldest" | "disconnect"): Promise<NativeClient> => {
  const { tcp } = await testBroker({ maxOutgoingBytes: 64 * 1024 });
  const subscriber = await NativeClient.greeted(tcp);
  subscriber.send(frame(Op.SUBSCRIBE, 2, ["news", overflow]));
  expect(receiptsOf(await subscriber.next())).toEqual([{ request: 2, requests: 1, messages: 1 }]);
  subscriber.socket.pause();
  const publisher = await NativeClient.greeted(tcp);
  for (let i = 0; i < MESSAGES; i++) {
    publisher.send(frame(Op.PUBLISH_CHANNEL, 10 + i, ["news"], entries(`${i} `.padEnd(BODY_BYTES, "x"))));
    const [receipt] = receiptsOf(await publisher.next());
    if (receipt?.messages === 0) break;
  }
  subscriber.socket.resume();
  return subscriber;
};

describe("a subscriber that reads too slowly", () => {
  it("loses the oldest messages and is told in band how many", async () => {
    const subscriber = await floodedSubscriber("drop-oldest");
    let expected = 0;
    let lost = 0;
    while (expected < MESSAGES) {
      const next = await subscriber.next();
      if (next.op === Answer.CHANNEL_LOST) {
        const [channel, count] = next.head;
        expect(channel).toBe("news");
        lost += Number(count);
        expected += Number(count);
        continue;
      }
      expect(next.op).toBe(Answer.CHANNEL_MESSAGES);
      for (const number of numbersOf(next)) expect(number).toBe(expected++);
    }
    expect(lost).toBeGreaterThan(0);
    await subscriber.ping();
  });

  it("is told and disconnected if it would rather not miss any", async () => {
    const subscriber = await floodedSubscriber("disconnect");
    await subscriber.closed;
    const last = subscriber.frames.at(-1);
    expect(last?.op).toBe(Answer.ERROR);
    expect(last?.head[0]).toBe(ERRORS.SLOW_SUBSCRIBER.code);
    // What came before it came whole: nothing is missing in between.
    const messages = subscriber.frames.filter(({ op }) => op === Answer.CHANNEL_MESSAGES).flatMap(numbersOf);
    expect(messages).toEqual(messages.map((_, i) => i));
    expect(messages.length).toBeLessThan(MESSAGES);
  });
});
