/** The files of topics: what is in them, and what becomes of them after kills, full disks and foreign files. */
import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, it, onTestFinished } from "vitest";
import { nodeDisk } from "../../src/journal/node-disk.js";
import type { Beginning, ChannelSource, KeptChannel, KeptMessage } from "../../src/mq-files/channel-source.js";
import { timestampOf } from "../../src/mq-files/line.js";
import { TopicFiles } from "../../src/mq-files/topic-files.js";
import { formatId, idHigh, idLow, idTime, parseId } from "../../src/protocol/id.js";
import { makeDirectory, removeDirectory } from "../directories.js";
import { FaultyDisk } from "../journal/faulty-disk.js";

interface Channel {
  epoch: string;
  first: number;
  readonly messages: { readonly id: string; readonly body: Buffer }[];
}

/** Kept channels in memory. */
class Channels implements ChannelSource {
  readonly all = new Map<string, Channel>();
  /** What was read, and from where. */
  readonly reads: Beginning[] = [];
  #ids = 0;

  publish(name: string, ...bodies: (string | Buffer)[]): void {
    const channel = this.all.get(name) ?? { epoch: "7", first: 0, messages: [] };
    this.all.set(name, channel);
    for (const body of bodies) {
      const millisecond = 91_000_000_000 + Math.floor(this.#ids / 3) * 400;
      const low = idLow(millisecond, 1) + (this.#ids++ % 3);
      channel.messages.push({ id: formatId(idHigh(millisecond), low), body: Buffer.from(body) });
    }
  }

  async *channels(): AsyncIterable<KeptChannel> {
    for (const [name, { epoch, first, messages }] of this.all) yield { name, epoch, first, next: messages.length };
  }

  async *read(name: string, from: Beginning): AsyncIterable<KeptMessage> {
    this.reads.push(from);
    const { first, messages } = this.all.get(name) as Channel;
    const timeAt = ({ id }: { readonly id: string }): number => {
      const { high, low } = parseId(id) ?? { high: 0, low: 0 };
      return idTime(high, low);
    };
    for (const [position, message] of messages.entries()) {
      const isBefore =
        from instanceof Date ? timeAt(message) < from.getTime() : from !== "start" && position < from.position;
      if (position >= first && !isBefore) yield { ...message, position };
    }
  }
}

let directory = "";
let channels: Channels;
let lines: string[] = [];

beforeEach(() => {
  directory = makeDirectory();
  onTestFinished(() => removeDirectory(directory));
  channels = new Channels();
  lines = [];
});

const files = (disk = nodeDisk as ConstructorParameters<typeof TopicFiles>[0]): TopicFiles => {
  const note = (fields: object, text: string): void => void lines.push(`${text} ${JSON.stringify(fields)}`);
  return new TopicFiles(disk, directory, channels, { warn: note, error: note });
};

const text = (name: string): string => readFileSync(join(directory, name), "utf8");

/** What the file must hold. */
const expected = (topic: string): string => {
  const { messages } = channels.all.get(topic) as Channel;
  return messages
    .map(({ id, body }) => {
      const payload = body.toString("base64");
      return `{"timestamp":${timestampOf(id)},"topic":${JSON.stringify(topic)},"payload":"${payload}"}\n`;
    })
    .join("");
};

const bodies = (count: number): string[] => Array.from({ length: count }, (_, i) => `message ${i}`);

it("holds a line of JSON for each message, byte by byte", async () => {
  channels.publish("example", "hello", "", Buffer.from([0, 255, 10, 13]), "你好");
  await files().catchUp();
  const at = "1795067200000";
  expect(text("example.mq")).toBe(
    [
      `{"timestamp":${at}000000,"topic":"example","payload":"aGVsbG8="}`,
      `{"timestamp":${at}000001,"topic":"example","payload":""}`,
      `{"timestamp":${at}000002,"topic":"example","payload":"AP8KDQ=="}`,
      `{"timestamp":${1795067200400}000000,"topic":"example","payload":"5L2g5aW9"}`,
      "",
    ].join("\n"),
  );
  expect(JSON.parse(text("example.mq").split("\n")[0] ?? "")).toMatchObject({ topic: "example" });
});

it("is written on, of all topics, each in a file of its own", async () => {
  const writer = files();
  const topics = ["a", "b", 'quo"te\n', "../up", "..", "x".repeat(254)];
  for (let round = 0; round < 3; round++) {
    for (const topic of topics) channels.publish(topic, ...bodies(round * 5));
    await writer.catchUp();
  }
  expect(readdirSync(directory)).toHaveLength(topics.length);
  for (const topic of ["a", "b"]) expect(text(`${topic}.mq`)).toBe(expected(topic));
  expect(text("%2E.%2Fup.mq")).toBe(expected("../up"));
  expect(text('quo"te%0A.mq')).toBe(expected('quo"te\n'));
  // Nothing is read that is written.
  const reads = channels.reads.length;
  await writer.catchUp();
  expect(channels.reads).toHaveLength(reads);
});

it("is whole after a kill at any byte, without a line that is there twice", async () => {
  channels.publish("t", ...bodies(9));
  await files().catchUp();
  const whole = text("t.mq");
  channels.publish("t", ...bodies(4));
  for (let at = 0; at <= whole.length; at += at < whole.length - 90 ? 29 : 1) {
    writeFileSync(join(directory, "t.mq"), whole.slice(0, at));
    await files().catchUp();
    expect(text("t.mq")).toBe(expected("t"));
  }
  // It reads from where the file ends, and not all again.
  expect(channels.reads.at(-1)).toBeInstanceOf(Date);
});

it("goes on behind the lines that memmq has left in it", async () => {
  const old = '{"timestamp":1695067200123456789,"topic":"t","payload":"aGk="}\n';
  writeFileSync(join(directory, "t.mq"), old);
  channels.publish("t", ...bodies(3));
  await files().catchUp();
  expect(text("t.mq")).toBe(old + expected("t"));
});

it("leaves a file alone that is another's, says so once, and goes on when it is moved away", async () => {
  const writer = files();
  writeFileSync(join(directory, "t.mq"), "notes of mine\n");
  mkdirSync(join(directory, "u.mq"));
  for (const topic of ["t", "u", "v"]) channels.publish(topic, "hello");
  for (let i = 0; i < 3; i++) await writer.catchUp();
  expect(text("t.mq")).toBe("notes of mine\n");
  expect(text("v.mq")).toBe(expected("v"));
  expect(lines.map((line) => /"topic":"(.)"/.exec(line)?.[1])).toEqual(["t", "u"]);
  expect(lines[0]).toContain("does not end with a message, as files of topics do: move it away");
  writeFileSync(join(directory, "t.mq"), "");
  await writer.catchUp();
  expect(text("t.mq")).toBe(expected("t"));
  expect(lines.at(-1)).toContain("is written again");
});

it("catches up when the disk has room again, whichever call it failed in", async () => {
  const disk = new FaultyDisk(nodeDisk);
  for (let from = 1; from < 12; from++) {
    for (const short of [false, true]) {
      const writer = files(disk);
      channels.publish("t", ...bodies(2));
      disk.fault = { operations: ["write", "truncate", "open", "read"], from, times: 3, code: "ENOSPC", short };
      await writer.catchUp();
      channels.publish("t", ...bodies(2));
      disk.fault = undefined;
      await writer.catchUp();
      expect(text("t.mq")).toBe(expected("t"));
    }
  }
  expect(lines.some((line) => line.includes("ENOSPC"))).toBe(true);
});

it("tells how many messages are gone that it has not written, and goes on behind them", async () => {
  const writer = files();
  channels.publish("t", ...bodies(3));
  await writer.catchUp();
  const before = text("t.mq");
  channels.publish("t", ...bodies(10));
  const channel = channels.all.get("t") as Channel;
  channel.first = 8;
  await writer.catchUp();
  expect(lines).toEqual(['messages are gone that were not in their file yet {"topic":"t","lost":5}']);
  expect(text("t.mq")).toBe(before + expected("t").split("\n").slice(8).join("\n"));
  // A channel that begins again has positions that begin again, and its messages are later ones.
  channels.all.set("t", { epoch: "8", first: 0, messages: [] });
  const written = text("t.mq");
  channels.publish("t", "anew");
  await writer.catchUp();
  expect(text("t.mq")).toBe(written + expected("t"));
});

it("is written anew when it is gone, and goes on when it was moved away from a writer that runs", async () => {
  const writer = files();
  channels.publish("t", ...bodies(3));
  await writer.catchUp();
  truncateSync(join(directory, "t.mq"));
  channels.publish("t", "later");
  await writer.catchUp();
  expect(text("t.mq")).toBe(`${expected("t").split("\n").at(3)}\n`);
  await files().catchUp();
  expect(text("t.mq")).toBe(`${expected("t").split("\n").at(3)}\n`);
});

it("writes twenty thousand messages in pieces", async () => {
  channels.publish("t", ...bodies(20_000));
  await files().catchUp();
  expect(text("t.mq") === expected("t")).toBe(true);
});
