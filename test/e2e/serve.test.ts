import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { connect } from "../../src/client/index.js";
import { Answer, Op } from "../../src/protocol/op.js";
import { GrpcClient } from "../conformance/memmq-grpc-client.js";
import { entries, frame, receiptsOf } from "../main/frames.js";
import { testDirectory } from "./brokers.js";
import { mountedTmpfs } from "./mounts.js";
import { NativeClient } from "./native-client.js";
import { ANY_PORT, run, started } from "./program.js";

describe("ringmq serve", () => {
  it("prints where it listens and a curl line that works", async () => {
    const { text, tcp } = await started([...ANY_PORT, "--grpc", "127.0.0.1:0"]);
    await (await NativeClient.greeted(tcp)).ping();
    const grpc = new GrpcClient(Number(/^ {2}gRPC {7}127\.0\.0\.1:(\d+)$/m.exec(text.out)?.[1]));
    await grpc.pub("greetings", "hello");
    grpc.close();
    const page = await fetch(/^ {2}console {4}(http:\S+\/console\/)$/m.exec(text.out)?.[1] ?? "");
    expect(await page.text()).toContain('<script type="module"');
    const line = /^try: (curl .*)$/m.exec(text.out)?.[1] ?? "";
    const curl = spawn("sh", ["-c", line]);
    const [answer] = (await once(curl.stdout, "data")) as [Buffer];
    expect(JSON.parse(answer.toString())).toMatchObject({ code: 0, msg: "success" });
  });

  it.each(["SIGTERM", "SIGINT"] as const)(
    "exits 0 within its bound on %s while connections are open",
    async (signal) => {
      const { child, exit, tcp, text } = await started();
      const idle = await NativeClient.greeted(tcp);
      const waiting = await NativeClient.greeted(tcp);
      waiting.send(frame(Op.POP, 5, ["empty", "", 1, 3_600_000]));
      const silent = await NativeClient.open(tcp);
      const deaf = await NativeClient.greeted(tcp);
      deaf.socket.pause();
      await waiting.ping();
      const begin = performance.now();
      child.kill(signal);
      expect((await idle.next()).op).toBe(Answer.GOODBYE);
      expect(await exit).toEqual({ code: 0, signal: null });
      expect(text.err).toMatch(/ INFO {2}stopped seconds=[\d.]+\n$/);
      expect(performance.now() - begin).toBeLessThan(10_000);
      expect((await waiting.answer(5)).op).toBe(Answer.ERROR);
      await Promise.all([idle.closed, silent.closed]);
      deaf.socket.destroy();
    },
  );

  it("exits 0 in the middle of traffic, and every request sent is answered or its connection closed", async () => {
    const { child, exit, tcp } = await started();
    const client = await NativeClient.greeted(tcp);
    let request = 10;
    const publish = (): void => {
      if (client.isClosed) return;
      for (let i = 0; i < 50; i++) client.send(frame(Op.PUBLISH, request++, ["busy"], entries("x".repeat(100))));
      setImmediate(publish);
    };
    publish();
    while (client.frames.length < 20) await client.next();
    child.kill("SIGTERM");
    expect(await exit).toEqual({ code: 0, signal: null });
    await client.closed;
    const confirmed = client.frames
      .filter(({ op }) => op === Answer.CONFIRM)
      .flatMap(receiptsOf)
      .reduce((total, { requests }) => total + requests, 0);
    expect(confirmed).toBeGreaterThan(0);
  });

  it("exits at once, and not with 0, on a second signal", async () => {
    const { child, exit, tcp, text } = await started();
    const client = await NativeClient.greeted(tcp);
    client.send(frame(Op.POP, 5, ["empty", "", 1, 3_600_000]));
    await client.ping();
    child.kill("SIGTERM");
    while (!text.err.includes("stopping")) await once(child.stderr, "data");
    child.kill("SIGTERM");
    expect(await exit).toEqual({ code: 1, signal: null });
  });

  it("takes flags from the environment, and prefers the command line", async () => {
    const { text } = await started(["--tcp", "127.0.0.1:0"], {
      RINGMQ_HTTP: "127.0.0.1:0",
      RINGMQ_TCP: "127.0.0.1:1",
      RINGMQ_SHARDS: "2",
      RINGMQ_MEMORY: "256mb",
    });
    expect(text.out).toContain("2 shards");
  });

  it("takes an empty variable for none, of each flag", async () => {
    const help = run(["serve", "--help"]);
    await help.exit;
    const names = [...help.text.out.matchAll(/env:\s+(RINGMQ_\w+)/g)].map(([, name = ""]) => name);
    expect(names.length).toBeGreaterThan(30);
    const empty = Object.fromEntries(names.map((name) => [name, ""]));
    const { text } = await started(ANY_PORT, { ...empty, RINGMQ_DATA: testDirectory() });
    expect(text.err).not.toMatch(/WARN|ERROR/);
  });

  it("is backed up and restored with the address and the directory of the environment", async () => {
    const { tcp } = await started([...ANY_PORT, "--shards", "1"]);
    const root = testDirectory();
    const backup = run(["backup", `${root}/backup`], { RINGMQ_TCP: `:${tcp}` });
    expect(await backup.exit).toMatchObject({ code: 0 });
    expect(backup.text.out).toMatch(/^backed up 1 shard, /);
    const restored = run(["restore", `${root}/backup`], { RINGMQ_DATA: `${root}/data` });
    expect(await restored.exit).toMatchObject({ code: 0 });
    expect(restored.text.out).toMatch(/^restored 1 shard, /);
    const without = run(["backup", `${root}/other`], { RINGMQ_TCP: "off" });
    expect(await without.exit).toMatchObject({ code: 2 });
    expect(without.text.err).toMatch(/RINGMQ_TCP.* It must be host:port/);
  });

  it("says that the data directory is a file, and exits 1", async () => {
    const data = `${testDirectory()}/file`;
    writeFileSync(data, "");
    const { exit, text } = run(["serve", ...ANY_PORT, "--data", data]);
    expect(await exit).toEqual({ code: 1, signal: null });
    expect(text.err).toContain(`error: ${data} is a file: give the name of a directory\n`);
  });

  it.each<[readonly string[], RegExp]>([
    [["--tcp", "nonsense"], /--tcp .*host:port/],
    [["--memory", "lots"], /--memory .*256mb/],
    [["--shards", "0"], /--shards must be from 1 to 256; it is 0\n/],
    [["--shard-timeout", "5"], /--shard-timeout must be at least 100ms; it is 5ms\n/],
    [["--topic-idle", "9999999999999999h"], /--topic-idle must be from 1ms to \d+ms; it is/],
    [["--memory", "1mb", "--shards", "2"], /--memory must be at least 32mb \(16 MiB for each .*\); it is 1mb\n/],
    [["--ring-bytes", "3mb"], /--ring-bytes must be a power of two/],
    [["--persist", "--durability", "memory"], /--persist must have a journal, .*: leave one of them out\n/],
    [["--allow-origin", "x"], /--allow-origin must be as in/],
    [["--max-message-bytes", "1.5"], /--max-message-bytes.* whole number of bytes/],
    [["--max-frame-bytes", "1"], /--max-frame-bytes must be/],
    [["--log-level", "loud"], /--log-level/],
    [["--durability", "some"], /--durability.* fsync, write, memory/],
    [["--segment-bytes", "1kb"], /--segment-bytes must be from 64kb to 1gb; it is 1kb\n/],
    [["--nosuch"], /nosuch/],
    [["extra"], /too many arguments/],
  ])("says what is wrong with %j, and exits 2", async (args, words) => {
    const { exit, text } = run(["serve", ...args]);
    expect(await exit).toEqual({ code: 2, signal: null });
    expect(text.err).toMatch(words);
    expect(text.err).not.toMatch(/\n\s+at /);
  });

  it("says that there is no such command, and exits 2", async () => {
    const { exit, text } = run(["nosuch"]);
    expect((await exit).code).toBe(2);
    expect(text.err).toContain("nosuch");
  });

  it("says that a port is in use, and exits 1", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => {
      server.close();
    });
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    for (const args of [
      ["--tcp", `127.0.0.1:${port}`, "--http", "off"],
      ["--tcp", "off", "--http", `127.0.0.1:${port}`],
    ]) {
      const { exit, text } = run(["serve", ...args], { RINGMQ_DATA: testDirectory() });
      expect(await exit).toEqual({ code: 1, signal: null });
      expect(text.err).toMatch(new RegExp(`127.0.0.1:${port}: the port is in use`));
    }
  });

  it("teaches with an example in --help", async () => {
    const { exit, text } = run(["serve", "--help"]);
    expect((await exit).code).toBe(0);
    expect(text.out).toMatch(/Examples:\n\s+ringmq serve/);
    expect(text.out).toContain("RINGMQ_MEMORY");
  });

  it("says at its start that the disk is too small for the journal, as check-config does, and what would do", async (context) => {
    const data = mountedTmpfs(context, "size=12m");
    const settings = ["--shards", "1", "--disk-reserve", "1mb"];
    const lack = /the disk has too little room for two segments.*138 MiB.*--segment-bytes 2mb/;
    const checked = run(["check-config", ...settings], { RINGMQ_DATA: data });
    expect(await checked.exit).toEqual({ code: 0, signal: null });
    expect(checked.text.err).toMatch(lack);
    const { text } = await started([...ANY_PORT, ...settings], { RINGMQ_DATA: data });
    expect(text.err).toMatch(lack);
    const advised = run(["check-config", ...settings, "--segment-bytes", "3mb"], { RINGMQ_DATA: data });
    await advised.exit;
    expect(advised.text.err).toBe("");
    // With nothing left at all, it does not start.
    const full = mountedTmpfs(context, "size=64k");
    writeFileSync(join(full, "fill"), new Uint8Array(64 * 1024));
    const refused = run(["serve", ...ANY_PORT, "--shards", "1"], { RINGMQ_DATA: join(full, "data") });
    expect(await refused.exit).toEqual({ code: 1, signal: null });
    expect(refused.text.err).toMatch(/data cannot be used: ENOSPC.*Free some space there/);
  });

  it("says once that the disk is full, also without a reserve, and once that it is not", async (context) => {
    const data = mountedTmpfs(context, "size=12m");
    const flags = [...ANY_PORT, "--shards", "1", "--segment-bytes", "1mb", "--disk-reserve", "0"];
    const { child, text, tcp } = await started(flags, { RINGMQ_DATA: data });
    const said = async (words: string): Promise<void> => {
      while (!text.err.includes(words)) await once(child.stderr, "data");
    };
    const client = await connect(`tcp://127.0.0.1:${tcp}`);
    const body = "x".repeat(50_000);
    const fill = async (): Promise<void> => {
      for (let i = 0; i < 1_000; i++) await client.publish("full", body);
    };
    await expect(fill()).rejects.toMatchObject({ code: "DISK_FULL" });
    await said("WARN  the disk is full: publishes are refused until there is room; acks go on shard=0");
    for (let i = 0; i < 5; i++) {
      await expect(client.publish("full", body)).rejects.toMatchObject({ code: "DISK_FULL" });
    }
    await client.purge("full");
    await said("INFO  the disk has room again: publishes are taken shard=0");
    await client.publish("full", body);
    await client.close();
    expect(text.err.match(/the disk is full/g)).toHaveLength(1);
  }, 60_000);
});
