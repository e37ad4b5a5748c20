/** gmq's line protocol at the limits of queues and of messages. */
import { randomUUID } from "node:crypto";
import { connect as connectSocket } from "node:net";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { connect } from "../../dist/client/index.js";
import { type Broker, startBroker } from "../../dist/index.js";
import { makeDirectory, removeDirectory } from "../directories.js";
import { LineReader, send, sized, TYPE } from "./gmq-line-wire.js";

let data = "";
let broker: Broker;

beforeAll(async () => {
  data = makeDirectory();
  const local = { host: "127.0.0.1", port: 0 };
  broker = await startBroker({ tcp: local, http: "off", data, shards: 1 });
});
afterAll(async () => {
  await broker.close();
  removeDirectory(data);
});

const port = (): number => broker.addresses.tcp?.port ?? 0;

const reader = (): LineReader => {
  const socket = connectSocket({ port: port(), host: "127.0.0.1", noDelay: true });
  onTestFinished(() => void socket.destroy());
  return new LineReader(socket);
};

/** A topic whose queues are bounded. */
const boundedTopic = async (config: { maxLength: number; overflow?: "drop-oldest" }): Promise<string> => {
  const topic = `t-${randomUUID()}`;
  const client = await connect(`tcp://127.0.0.1:${port()}`);
  await client.configure(topic, config);
  await client.close();
  return topic;
};

const pubs = (topic: string, count: number): string =>
  Array.from({ length: count }, (_, i) => `pub ${topic}  0\n${sized(`message ${i}`)}`).join("");

test("pubs that come together into a queue that is nearly full have each a fate of its own", async () => {
  const topic = await boundedTopic({ maxLength: 10 });
  const client = reader();
  await send(client.socket, pubs(topic, 100));
  const answers = await client.take(100);
  expect(answers.slice(0, 10).map(([type]) => type)).toEqual(Array(10).fill(TYPE.result));
  const full = [TYPE.error, `E_INVALID_PUSH - queue default of topic ${topic} is full`];
  expect(answers.slice(10)).toEqual(Array(90).fill(full));
  await send(client.socket, `pop ${topic}\n`.repeat(11));
  const messages = await client.take(11);
  expect(messages.slice(0, 10)).toEqual(
    Array.from({ length: 10 }, (_, i) => [
      TYPE.message,
      `{"id":"${answers[i]?.[1]}","body":"message ${i}","retry_count":0}`,
    ]),
  );
  expect(messages[10]).toEqual([TYPE.error, "no message"]);
});

test("pubs that come together are all taken by a queue that drops its oldest", async () => {
  const topic = await boundedTopic({ maxLength: 10, overflow: "drop-oldest" });
  const client = reader();
  await send(client.socket, pubs(topic, 100));
  const answers = await client.take(100);
  expect(new Set(answers.map(([type]) => type))).toEqual(new Set([TYPE.result]));
  expect(new Set(answers.map(([, id]) => id)).size).toBe(100);
  await send(client.socket, `pop ${topic}\n`.repeat(11));
  const bodies = (await client.take(11)).map(([, text]) => /message \d+/.exec(text)?.[0]);
  expect(bodies).toEqual([...Array.from({ length: 10 }, (_, i) => `message ${90 + i}`), undefined]);
});
