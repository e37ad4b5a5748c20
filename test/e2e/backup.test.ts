/** A running broker is backed up and restored, and a damaged journal repaired, with the programs that operators have. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Client } from "../../src/client/client.js";
import type { BrokerOptions } from "../../src/main/options.js";
import { testBroker } from "./brokers.js";
import { mountedTmpfs } from "./mounts.js";

const { connect } = (await import("../../dist/client/index.js" as string)) as {
  connect: (url: string) => Promise<Client>;
};

const PROGRAM = fileURLToPath(new URL("../../dist/cli/ringmq.js", import.meta.url));

const temporary = (): string => {
  const directory = mkdtempSync(join(tmpdir(), "ringmq-backup-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
};

const run = async (...args: readonly string[]) => {
  const child = spawn(process.execPath, [PROGRAM, ...args]);
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (bytes: Buffer) => {
      text += bytes.toString();
    });
  }
  const [code] = await once(child, "close");
  return { code: code as number, text };
};

const started = async (data: string, options: Partial<BrokerOptions> = {}) => {
  const { broker, tcp, http } = await testBroker({
    data,
    durability: "fsync",
    shards: 2,
    segmentBytes: 128 * 1024,
    ...options,
  });
  const client = await connect(`tcp://127.0.0.1:${tcp}`);
  onTestFinished(() => client.close());
  return { broker, tcp, http, client, address: `127.0.0.1:${tcp}` };
};

const TOPICS = ["red", "green", "blue", "grey"];

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => String(from + i).padEnd(100, "."));

/** All ready messages of a topic, which are gone then. */
const takeAll = async (client: Client, topic: string): Promise<string[]> => {
  const texts: string[] = [];
  for (;;) {
    const messages = await client.pop(topic, { max: 1_000 });
    if (messages.length === 0) return texts;
    for (const message of messages) texts.push(message.text());
    await Promise.all(messages.map((message) => message.ack()));
  }
};

describe("a backup of a running broker", () => {
  it("has all that was confirmed before, whatever goes on meanwhile, and is restored to that", async () => {
    const root = temporary();
    const { broker, client, address } = await started(join(root, "data"));
    for (const topic of TOPICS) {
      await client.publishBatch(topic, numbers(0, 3_000));
      const messages = await client.pop(topic, { max: 500 });
      await Promise.all(messages.map((message) => message.ack()));
    }
    let isOver = false;
    const traffic = (async () => {
      for (let n = 3_000; !isOver; n += 100) {
        for (const topic of TOPICS) await client.publishBatch(topic, numbers(n, n + 100));
      }
    })();
    const out = join(root, "backup");
    const made = await run("backup", out, "--tcp", address);
    isOver = true;
    await traffic;
    expect(made).toMatchObject({
      code: 0,
      text: expect.stringMatching(/backed up 2 shards, \d+ segments, [\d.]+ MiB/),
    });
    await client.close();
    await broker.close();

    expect(await run("journal", "verify", out)).toMatchObject({ code: 0, text: expect.stringContaining("whole") });
    const again = join(root, "again");
    expect(await run("restore", out, "--data", again)).toMatchObject({ code: 0 });
    const restored = await started(again);
    for (const topic of TOPICS) {
      const texts = await takeAll(restored.client, topic);
      // What was acked is not there, what was confirmed is, and what came later is there as far as it had come.
      expect(texts.slice(0, 2_500)).toEqual(numbers(500, 3_000));
      expect(texts).toEqual(numbers(500, 500 + texts.length));
    }
  });

  it("lets the broker go on reclaiming when it is done", async () => {
    const root = temporary();
    const { client, address } = await started(join(root, "data"), { shards: 1 });
    const files = (): string[] =>
      readdirSync(join(root, "data", "generation-1", "shard-0")).filter((name) => name.endsWith(".seg"));
    await client.publishBatch("red", numbers(0, 4_000));
    expect((await run("backup", join(root, "out"), "--tcp", address)).code).toBe(0);
    const first = files();
    await takeAll(client, "red");
    await client.publishBatch("red", numbers(0, 4_000));
    await takeAll(client, "red");
    // Files are let go about once a second; whatever is asked meanwhile lets the shard look.
    while (files().some((name) => first.includes(name))) await client.stats("red");
  });

  it("is whole or not there at all when the broker stops meanwhile", async () => {
    const root = temporary();
    const { broker, client } = await started(join(root, "data"), { shards: 1 });
    const large = Array.from({ length: 100 }, (_, i) => String(i).padEnd(60_000, "."));
    for (let i = 0; i < 4; i++) await client.publishBatch("red", large);
    const out = join(root, "out");
    const made = client.backup(out).then(
      () => true,
      () => false,
    );
    while (!existsSync(join(out, "generation-1"))) await client.stats("red");
    await broker.close();
    if (existsSync(out)) expect(await run("journal", "verify", out)).toMatchObject({ code: 0 });
    else expect(await made).toBe(false);
  });

  it("is refused where others can listen, to a WebSocket, without a journal, and where something is", async () => {
    const root = temporary();
    const open = await started(join(root, "open"), { tcp: { host: "0.0.0.0", port: 0 } });
    await expect(open.client.backup(join(root, "a"))).rejects.toMatchObject({ code: "NOT_ALLOWED" });
    const allowed = await started(join(root, "allowed"), { tcp: { host: "0.0.0.0", port: 0 }, allowBackup: true });
    expect(await allowed.client.backup(join(root, "b"))).toMatchObject({ shards: 2 });

    const { client, http, address } = await started(join(root, "data"));
    const socket = await connect(`ws://127.0.0.1:${http}/mq`);
    await expect(socket.backup(join(root, "c"))).rejects.toMatchObject({ code: "NOT_ALLOWED" });
    await socket.close();
    await expect(client.backup("relative")).rejects.toMatchObject({ code: "BAD_HEAD" });
    mkdirSync(join(root, "d"));
    const refused = await run("backup", join(root, "d"), "--tcp", address);
    expect(refused).toMatchObject({
      code: 1,
      text: expect.stringMatching(/exists: give the name of a new directory.*BACKUP_FAILED/),
    });
    expect(readdirSync(join(root, "d"))).toEqual([]);
    await expect(client.backup(join(root, "no", "such"))).rejects.toMatchObject({ code: "BACKUP_FAILED" });

    // A start would delete it.
    await expect(client.backup(join(root, "data", "generation-2"))).rejects.toMatchObject({
      code: "BACKUP_FAILED",
      message: expect.stringContaining("lies in the data directory"),
    });
    expect(readdirSync(join(root, "data"))).not.toContain("generation-2");

    const both = await Promise.allSettled([client.backup(join(root, "e")), client.backup(join(root, "f"))]);
    expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);

    const memory = await started(join(root, "memory"), { durability: "memory" });
    await expect(memory.client.backup(join(root, "g"))).rejects.toMatchObject({ code: "BACKUP_FAILED" });
    for (const name of ["a", "c", "g", "no"]) expect(existsSync(join(root, name))).toBe(false);
  });
});

describe("the room for a backup", () => {
  const MIB = 1024 * 1024;

  const fill = async (client: Client, bytes: number): Promise<void> => {
    const batch = Array.from({ length: 20 }, () => "x".repeat(50_000));
    for (let written = 0; written < bytes; written += 1_000_000) await client.publishBatch("red", batch);
  };

  it("is looked for before the first byte is copied", async (context) => {
    const small = mountedTmpfs(context, "size=4m");
    const { client, address } = await started(join(temporary(), "data"), { shards: 2 });
    await fill(client, 6 * MIB);
    const made = await run("backup", join(small, "out"), "--tcp", address);
    expect(made).toMatchObject({
      code: 1,
      text: expect.stringMatching(/\d+ bytes are still to be copied, and \d+ are free in .*: make room.*BACKUP_FAILED/),
    });
    expect(readdirSync(small)).toEqual([]);
  });

  it("is not the broker's reserve, so that publishes are taken as before", async (context) => {
    const disk = mountedTmpfs(context, "size=48m");
    const { client, address } = await started(join(disk, "data"), { shards: 1, diskReserve: 16 * MIB });
    await fill(client, 16 * MIB);
    const made = await run("backup", join(disk, "out"), "--tcp", address);
    expect(made).toMatchObject({ code: 1, text: expect.stringMatching(/of which 20971520 are for the broker/) });
    expect(readdirSync(disk)).toEqual(["data"]);
    await client.publish("red", "as before");
    // Elsewhere there is enough.
    expect(await run("backup", join(temporary(), "out"), "--tcp", address)).toMatchObject({ code: 0 });
  });
});

describe("a restore", () => {
  it("is refused where something is, and of a backup that is damaged", async () => {
    const root = temporary();
    const { client } = await started(join(root, "data"), { shards: 1 });
    await client.publishBatch("red", numbers(0, 100));
    const out = join(root, "out");
    await client.backup(out);
    expect(await run("restore", out, "--data", root)).toMatchObject({
      code: 2,
      text: expect.stringContaining("not empty"),
    });

    // Copied without one of its files.
    const part = join(root, "part");
    cpSync(out, part, { recursive: true });
    rmSync(join(part, "generation-1", "shard-0", "00000001.seg"));
    for (const command of [
      ["journal", "verify", part],
      ["restore", part, "--data", join(root, "of-part")],
    ]) {
      const { code, text } = await run(...command);
      expect(code).not.toBe(0);
      // The ledger of the shard knows it as well, and may be heard first.
      expect(text).toMatch(/shard-0.*missing/);
    }
    expect(existsSync(join(root, "of-part"))).toBe(false);

    const file = join(out, "generation-1", "shard-0", "00000001.seg");
    const bytes = readFileSync(file);
    bytes[1_000] = (bytes[1_000] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    const refused = await run("restore", out, "--data", join(root, "again"));
    expect(refused).toMatchObject({ code: 2, text: expect.stringMatching(/00000001.seg, at byte \d+: the checksum/) });
    expect(existsSync(join(root, "again"))).toBe(false);
  });
});

describe("ringmq journal", () => {
  it("finds what a broker refuses, shows it, and repairs it so that a broker starts with the rest", async () => {
    const root = temporary();
    const data = join(root, "data");
    const { broker, client } = await started(data, { shards: 1 });
    for (let n = 0; n < 3_000; n += 100) await client.publishBatch("red", numbers(n, n + 100));
    expect(await run("journal", "verify", data)).toMatchObject({
      code: 2,
      text: expect.stringContaining("is in use by"),
    });
    await client.close();
    await broker.close();

    const file = join(data, "generation-1", "shard-0", "00000002.seg");
    const bytes = readFileSync(file);
    const at = bytes.indexOf("1250..");
    expect(at).toBeGreaterThan(0);
    bytes.write("boom", at);
    writeFileSync(file, bytes);
    await expect(started(data, { shards: 1 })).rejects.toThrow(/00000002.seg, at byte \d+/);

    const verified = await run("journal", "verify", data);
    expect(verified).toMatchObject({ code: 1, text: expect.stringMatching(/DAMAGED .*00000002.seg, at byte \d+/) });
    const dumped = await run("journal", "dump", data, "--from", "2", "--json");
    expect(dumped.code).toBe(1);
    const records = dumped.text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(records[0]).toMatchObject({ type: "segment", sequence: 2, shard: 0, offset: 0 });
    expect(records.filter(({ type }) => type === "damaged")).toHaveLength(1);
    expect(records.find(({ type }) => type === "publish")).toMatchObject({ topic: "red", count: 100 });
    expect((await run("journal", "dump", data)).text).toMatch(/^0\/1@0 segment +version=4 sequence=1/);

    const out = join(root, "out");
    const repaired = await run("journal", "repair", data, out);
    expect(repaired).toMatchObject({ code: 0, text: expect.stringMatching(/LOST .*00000002.seg, at byte \d+/) });
    expect(repaired.text).toMatch(/\nMessages whose acks are among what was lost will be delivered again\.\n$/);
    expect(readFileSync(file)).toEqual(bytes);
    expect(await run("journal", "repair", data, out)).toMatchObject({ code: 2 });
    const again = await started(out, { shards: 1 });
    const texts = await takeAll(again.client, "red");
    expect(texts).toEqual([...numbers(0, 1_200), ...numbers(1_300, 3_000)]);
  });

  it("repairs what has been compacted", async () => {
    const root = temporary();
    const data = join(root, "data");
    const { broker, client } = await started(data, { shards: 1 });
    // A few old messages hold on to segments until they are compacted: then a segment stands for several.
    const directory = join(data, "generation-1", "shard-0");
    const isCompacted = (): boolean =>
      readdirSync(directory)
        .filter((name) => name.endsWith(".seg"))
        .map((name) => readFileSync(join(directory, name)))
        .some((bytes) => bytes.readUInt32BE(16) > bytes.readUInt32BE(20) && bytes.readUInt32BE(20) > 0);
    let kept = 0;
    while (!isCompacted()) {
      await client.publish("red", `late-${kept++}`, { delay: 3_600_000 });
      await client.publishBatch("red", numbers(0, 500));
      await takeAll(client, "red");
    }
    await client.publish("red", "last");
    await client.close();
    await broker.close();
    expect(await run("journal", "verify", data)).toMatchObject({ code: 0 });
    const out = join(root, "out");
    expect(await run("journal", "repair", data, out)).toMatchObject({
      code: 0,
      text: expect.not.stringMatching(/LOST|was lost/),
    });
    for (const directory of [data, out]) {
      const again = await started(directory, { shards: 1 });
      const [queue] = (await again.client.stats("red")).queues;
      expect(queue).toMatchObject({ ready: 1, delayed: kept, inFlight: 0, deadLetters: 0 });
      const late = await again.client.browse("red", { state: "delayed", max: 1_000 });
      expect(late.map((message) => message.text())).toEqual(Array.from({ length: kept }, (_, i) => `late-${i}`));
      await again.client.close();
      await again.broker.close();
    }
  });

  it("teaches with examples in --help", async () => {
    for (const command of [
      ["backup"],
      ["restore"],
      ["journal", "verify"],
      ["journal", "dump"],
      ["journal", "repair"],
    ]) {
      const { code, text } = await run(...command, "--help");
      expect(code).toBe(0);
      expect(text).toMatch(/Examples?:\n\s+ringmq /);
    }
    expect(await run("journal", "verify")).toMatchObject({ code: 2 });
    expect(await run("journal", "verify", temporary())).toMatchObject({
      code: 2,
      text: expect.stringContaining("ringmq.json"),
    });
    expect(await run("journal", "verify", join(temporary(), "none"))).toMatchObject({
      code: 2,
      text: expect.stringMatching(/^error: there is no directory .*none\n$/),
    });
  });
});
