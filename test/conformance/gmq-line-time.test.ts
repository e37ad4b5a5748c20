/** gmq's line protocol over time: pops that wait, messages that come again, dead letters, clients that go. */
import { randomUUID } from "node:crypto";
import { connect } from "node:net";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { type Broker, startBroker } from "../../dist/index.js";
import { makeDirectory, removeDirectory } from "../directories.js";
import { LineReader, send, sized, TYPE } from "./gmq-line-wire.js";

let data = "";
let broker: Broker;

beforeAll(async () => {
  data = makeDirectory();
  const local = { host: "127.0.0.1", port: 0 };
  broker = await startBroker({ tcp: local, http: "off", data, shards: 2, memory: 1 << 28, segmentBytes: 1 << 20 });
});
afterAll(async () => {
  await broker.close();
  removeDirectory(data);
});

const client = (): LineReader => {
  const socket = connect({
    port: broker.addresses.tcp?.port ?? 0,
    host: "127.0.0.1",
    noDelay: true,
    allowHalfOpen: true,
  });
  onTestFinished(() => void socket.destroy());
  return new LineReader(socket);
};

const topicOf = (): string => `t-${randomUUID()}`;

/** The next response that is no sign of life. */
const answer = async (reader: LineReader): Promise<string> => {
  for (;;) {
    const response = await reader.next();
    if (response === undefined) return "closed";
    if (response[0] !== TYPE.ping) return `${response[0]} ${response[1]}`;
  }
};

const ask = async (reader: LineReader, bytes: string): Promise<string> => {
  await send(reader.socket, bytes);
  return answer(reader);
};

const message = (id: string, body: string, retries: number): string =>
  `101 {"id":"${id}","body":"${body}","retry_count":${retries}}`;

test("a pop waits for its message, with a sign of life every five seconds", { timeout: 30_000 }, async () => {
  const [waiting, other] = [client(), client()];
  const topic = topicOf();
  await send(waiting.socket, `pop ${topic} default\npop ${topic} default\n`);
  const since = performance.now();
  expect(await waiting.next()).toEqual([TYPE.ping, "ping"]);
  expect(performance.now() - since).toBeGreaterThan(3_500);
  expect(performance.now() - since).toBeLessThan(8_000);
  const first = (await ask(other, `pub ${topic}  0\n${sized("a")}`)).slice(4);
  expect(await answer(waiting)).toBe(message(first, "a", 0));
  const second = (await ask(other, `pub ${topic}  0\n${sized("b")}`)).slice(4);
  expect(await answer(waiting)).toBe(message(second, "b", 0));
  expect(await ask(waiting, `ack ${first} ${topic} default\n`)).toBe("103 ok");
});

test("commands behind a pop that waits are carried out behind it, in order", { timeout: 30_000 }, async () => {
  const [waiting, other] = [client(), client()];
  const topic = topicOf();
  await send(
    waiting.socket,
    `pop ${topic} default\nack 1 ${topic} default\npub ${topic}  0\n${sized("b")}pop ${topic}\nno such\n`,
  );
  const first = (await ask(other, `pub ${topic}  0\n${sized("a")}`)).slice(4);
  expect(await answer(waiting)).toBe(message(first, "a", 0));
  expect(await answer(waiting)).toBe("102 E_INVALID_ACK - msgId:1 is not exist");
  const second = (await answer(waiting)).slice(4);
  expect(await answer(waiting)).toBe(message(second, "b", 0));
  expect(await answer(waiting)).toBe("102 E_INVALID_CMD - unkown cmd: no");
});

test("a pop of a client that has ended its side gets what there is", async () => {
  const reader = client();
  const topic = topicOf();
  reader.socket.end(`pub ${topic}  0\n${sized("a")}pop ${topic} default\npop ${topic} default\n`);
  const id = (await answer(reader)).slice(4);
  expect(await answer(reader)).toBe(message(id, "a", 0));
  expect(await answer(reader)).toBe("102 E_INVALID_POP - no message");
  expect(await answer(reader)).toBe("closed");
});

test("the message of a pop whose client has gone goes to the next", async () => {
  const [gone, other] = [client(), client()];
  const topic = topicOf();
  await send(gone.socket, `pop ${topic} default\n`);
  // The pop waits when the statistics of another command on the same shard are there: it was sent before.
  expect(await ask(other, `pop ${topic}\n`)).toBe("102 no message");
  gone.socket.destroy();
  const id = (await ask(other, `pub ${topic}  0\n${sized("a")}`)).slice(4);
  expect(await ask(other, `pop ${topic} default\n`)).toMatch(
    new RegExp(`^101 {"id":"${id}","body":"a","retry_count":[01]}$`),
  );
});

test("what is not acked comes again with its count, and dies with the limit + 1", { timeout: 60_000 }, async () => {
  const reader = client();
  const topic = topicOf();
  expect(await ask(reader, `set ${topic} 0 1 1 1\n`)).toBe("103 ok");
  const id = (await ask(reader, `pub ${topic}  0\n${sized("a")}`)).slice(4);
  const since = performance.now();
  expect(await ask(reader, `pop ${topic} default\n`)).toBe(message(id, "a", 0));
  expect(await ask(reader, `pop ${topic} default\n`)).toBe(message(id, "a", 1));
  expect(performance.now() - since).toBeGreaterThan(990);
  const deadline = performance.now() + 10_000;
  let letter = "";
  while (!letter.startsWith("101") && performance.now() < deadline)
    letter = await ask(reader, `dead ${topic} default\n`);
  expect(letter).toBe(message(id, "a", 2));
  expect(await ask(reader, `dead ${topic} 5\n`)).toBe("102 no message");
  // A dead letter is under a lease: it dies again, and can be acked.
  let list = "";
  while (!list.startsWith("101") && performance.now() < deadline) list = await ask(reader, `dead ${topic} 5\n`);
  expect(list).toBe(`101 [{"id":"${id}","body":"a","retry_count":2}]`);
  expect(await ask(reader, `ack ${id} ${topic} default\n`)).toBe("103 ok");
  expect(await ask(reader, `ack ${id} ${topic} default\n`)).toBe(`102 E_INVALID_ACK - msgId:${id} is not exist`);
  expect(await ask(reader, `dead ${topic} 5\n`)).toBe("102 no message");
});

test("a delayed message comes when it is due", async () => {
  const reader = client();
  const topic = topicOf();
  const since = performance.now();
  const id = (await ask(reader, `pub ${topic}  1\n${sized("a")}`)).slice(4);
  expect(await ask(reader, `pop ${topic} default\n`)).toBe(message(id, "a", 0));
  expect(performance.now() - since).toBeGreaterThan(990);
});

test("pops and acks by the hundred, many at a time", { timeout: 30_000 }, async () => {
  const reader = client();
  const topic = topicOf();
  const count = 3_000;
  await send(reader.socket, `pub ${topic}  0\n${sized("message")}`.repeat(count));
  const ids = (await reader.take(count)).map(([, id]) => id);
  expect(new Set(ids).size).toBe(count);
  await send(reader.socket, `pop ${topic} default\n`.repeat(count));
  const popped = (await reader.take(count)).map(([type, text]) => `${type} ${text}`);
  expect(popped).toEqual(ids.map((id) => message(id, "message", 0)));
  // An ack twice for every tenth, and a pop of nothing in between.
  const acks = ids.flatMap((id, i) => (i % 10 === 0 ? [id, id] : [id]));
  await send(reader.socket, acks.map((id) => `ack ${id} ${topic} default\n`).join(""));
  const settled = (await reader.take(acks.length)).map(([, text]) => text);
  expect(settled).toEqual(
    ids.flatMap((id, i) => (i % 10 === 0 ? ["ok", `E_INVALID_ACK - msgId:${id} is not exist`] : ["ok"])),
  );
  expect(await ask(reader, `pop ${topic}\n`)).toBe("102 no message");
});

test("bodies so large that one answer does not hold them all are popped in order", { timeout: 30_000 }, async () => {
  const reader = client();
  const topic = topicOf();
  const body = "x".repeat(300_000);
  await send(reader.socket, `pub ${topic}  0\n${sized(body)}`.repeat(12));
  const ids = (await reader.take(12)).map(([, id]) => id);
  await send(reader.socket, `pop ${topic} default\n`.repeat(6) + `pop ${topic}\n`.repeat(7));
  const popped = (await reader.take(13)).map(([, text]) => text);
  expect(popped).toEqual([...ids.map((id) => message(id, body, 0).slice(4)), "no message"]);
});

test("a body of the largest size that comes in many pieces is taken, and a larger one skipped", {
  timeout: 60_000,
}, async () => {
  const reader = client();
  const topic = topicOf();
  const largest = 16 * 1024 * 1024;
  expect(await ask(reader, `pub ${topic}  0\n${sized("x".repeat(largest))}`)).toMatch(/^103 \d+$/);
  expect(await ask(reader, `pub ${topic}  0\n${sized("x".repeat(largest + 1))}`)).toBe(
    `102 E_INVALID_PUSH - body is above ${largest} bytes`,
  );
  const popped = await ask(reader, `pop ${topic}\n`);
  expect(popped.length).toBeGreaterThan(largest);
  expect(await ask(reader, "still here\n")).toBe("102 E_INVALID_CMD - unkown cmd: still");
});

test("a line that is too long, behind a pop that waits, is refused behind its answer", async () => {
  const [reader, other] = [client(), client()];
  const topic = topicOf();
  await send(reader.socket, `pop ${topic} default\n${"n".repeat(5_000)}`);
  // The topic comes with the pop that waits.
  while ((await ask(other, `dead ${topic} nosuch\n`)) === "102 E_INVALID_DEAD - no message");
  const id = (await ask(other, `pub ${topic}  0\n${sized("a")}`)).slice(4);
  expect(await answer(reader)).toBe(message(id, "a", 0));
  expect(await answer(reader)).toBe("102 E_INVALID_PARAMS - a line has at most 4096 bytes");
  expect(await answer(reader)).toBe("closed");
});
