/** Brokers that may have few files open: who takes all descriptors takes none of those of the others. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { Op } from "../../src/protocol/op.js";
import { frame } from "../main/frames.js";
import { testBroker, testDirectory } from "./brokers.js";
import { clientOf } from "./clients.js";
import { ANY_PORT, run, started } from "./program.js";

const LIMIT = 256;

/** Of one core, while there is nothing to do. */
const MAX_CPU = 0.3;
const CPU_OVER = 3_000;

/** Ticks of the scheduler in a second, by which /proc counts. */
const TICKS = 100;

/** Seconds of processor that a process has had. */
const cpuOf = (pid: number): number => {
  const [, rest = ""] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ");
  const fields = rest.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
};

const HELLO = frame(Op.HELLO, 1, [1, "one of many"]);
const PING = "GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n";
const UPGRADE =
  "GET /mq HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/** One that says something, and never closes by itself. Resolves when it was answered, or cut off. */
const squat = async (port: number, words: string | Buffer, closes: (() => void)[]): Promise<void> => {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  closes.push(() => socket.destroy());
  socket.on("error", () => {});
  socket.once("connect", () => socket.write(words));
  await new Promise<void>((resolve) => {
    for (const event of ["data", "end", "close"]) socket.once(event, () => resolve());
  });
};

const isUp = async (http: number): Promise<boolean> => {
  try {
    return (await fetch(`http://127.0.0.1:${http}/ping`, { headers: { connection: "close" } })).ok;
  } catch {
    return false;
  }
};

describe.runIf(process.platform === "linux")("a broker that may have 256 files open", () => {
  it("lets as many in as it can, and goes on for them", async () => {
    const data = testDirectory();
    const args = [...ANY_PORT, "--shards", "1", "--memory", "256mb", "--segment-bytes", "64kb", "--data", data];
    const broker = await started(args, {}, `-n ${LIMIT}`);
    const pid = broker.child.pid ?? 0;
    expect(broker.text.err).toMatch(
      /WARN {2}the limit of open files leaves room for 1\d\d connections: raise it to 10\d\d\d/,
    );
    expect(broker.text.err).toMatch(/limit=256 maxConnections=10000 connections=1\d\d/);

    const client = await clientOf(broker.tcp);
    let isOver = false;
    let published = 0;
    const publishing = (async () => {
      for (; !isOver; published++) await client.publish("orders", Buffer.alloc(8_000));
    })();
    const closes: (() => void)[] = [];
    onTestFinished(() => {
      for (const close of closes) close();
    });
    const squatters = Array.from({ length: 400 }, (_, i) => [
      squat(broker.tcp, HELLO, closes),
      squat(broker.http, i % 2 === 0 ? PING : UPGRADE, closes),
    ]);
    await Promise.all(squatters.flat());
    expect(readdirSync(`/proc/${pid}/fd`).length).toBeLessThan(LIMIT);
    // It goes on while everybody sits there.
    const before = published;
    while (published < before + 100) await delay(10);
    isOver = true;
    await publishing;

    const begin = cpuOf(pid);
    await delay(CPU_OVER);
    expect((cpuOf(pid) - begin) / (CPU_OVER / 1_000)).toBeLessThan(MAX_CPU);

    for (const close of closes) close();
    await expect.poll(() => isUp(broker.http), { timeout: 10_000 }).toBe(true);
    const next = await clientOf(broker.tcp);
    expect((await next.stats("orders")).queues[0]?.ready).toBe(published);
    expect(readdirSync(join(data, "generation-1", "shard-0")).length).toBeGreaterThan(10);
    expect(broker.text.err).not.toContain("ERROR");
    await client.close();
    await next.close();
    broker.child.kill("SIGTERM");
    expect(await broker.exit).toEqual({ code: 0, signal: null });
  }, 60_000);

  // With 64 not even its modules could be loaded.
  it.each([
    [LIMIT, 8],
    [64, 1],
  ])("is not started where next to none could connect: %d files, %d shards", async (limit, shards) => {
    const flags = ["--shards", String(shards), "--memory", "256mb", "--data", testDirectory()];
    const broker = run(["serve", ...ANY_PORT, ...flags], {}, `-n ${limit}`);
    expect(await broker.exit).toEqual({ code: 1, signal: null });
    const why = new RegExp(`^error: the process may have ${limit} files open, and the broker needs \\d+ beside`, "m");
    expect(broker.text.err).toMatch(why);
    expect(broker.text.err).toContain("ulimit -n");
  });
});

interface Line {
  readonly kind: "log" | "listening" | "done";
  readonly level: string;
  readonly text: string;
  readonly error: string | undefined;
  readonly answer: number;
}

const CROWDED = fileURLToPath(new URL("crowded-process.mjs", import.meta.url));

class CrowdedProcess {
  readonly lines: Line[] = [];
  readonly exit: Promise<unknown[]>;
  #changed: () => void = () => {};
  #change = this.#nextChange();

  private constructor(
    readonly child: ChildProcess,
    readonly tcp: number,
    readonly http: number,
  ) {
    child.on("message", (line: Line) => {
      this.lines.push(line);
      this.#changed();
    });
    this.exit = once(child, "exit");
  }

  static async start(data: string): Promise<CrowdedProcess> {
    const script = `ulimit -n ${LIMIT}; exec "$@"`;
    const child = spawn("sh", ["-c", script, "sh", process.execPath, CROWDED, data], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    onTestFinished(() => {
      child.kill("SIGKILL");
    });
    while (true) {
      const [line] = (await once(child, "message")) as [Line & { tcp: number; http: number }];
      if (line.kind === "listening") return new CrowdedProcess(child, line.tcp, line.http);
    }
  }

  async do(what: "eat" | "keep eating" | "free" | "cpu" | "kill" | "close"): Promise<number> {
    const before = this.lines.length;
    this.child.send(what);
    const done = (): Line | undefined => this.lines.slice(before).find(({ kind }) => kind === "done");
    await this.#until(() => done() !== undefined);
    return done()?.answer ?? 0;
  }

  logged(text: string): number {
    return this.lines.filter((line) => line.kind === "log" && line.text.includes(text)).length;
  }

  untilLogged(text: string): Promise<void> {
    return this.#until(() => this.logged(text) > 0);
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!holds()) await this.#change;
  }

  #nextChange(): Promise<void> {
    return new Promise((resolve) => {
      this.#changed = () => {
        this.#change = this.#nextChange();
        resolve();
      };
    });
  }
}

const STALLED = "the journal cannot write, since the broker can open no file now";
const OPENED = "files can be opened again";
const CLOSED = "no connections are accepted until some are closed";

describe.runIf(process.platform === "linux")("a broker in a program that opens all files it may", () => {
  it("goes on to its next segments, and costs no processor though somebody knocks", async () => {
    const data = testDirectory();
    const crowded = await CrowdedProcess.start(data);
    const client = await clientOf(crowded.tcp);
    await client.publish("orders", "first");
    await crowded.do("eat");
    for (const port of [crowded.tcp, crowded.http]) {
      const knocking = connect(port, "127.0.0.1");
      knocking.on("error", () => {});
      onTestFinished(() => {
        knocking.destroy();
      });
    }
    for (let i = 0; i < 100; i++) {
      await client.publish("orders", Buffer.alloc(8_000));
      // What was closed meanwhile: the ports, the segment before.
      await crowded.do("eat");
    }
    await crowded.untilLogged(CLOSED);
    expect(await isUp(crowded.http)).toBe(false);

    const begin = await crowded.do("cpu");
    await delay(CPU_OVER);
    expect(((await crowded.do("cpu")) - begin) / 1_000 / CPU_OVER).toBeLessThan(MAX_CPU);

    await crowded.do("free");
    await crowded.untilLogged(OPENED);
    expect(await isUp(crowded.http)).toBe(true);
    const next = await clientOf(crowded.tcp);
    expect((await next.stats("orders")).queues[0]?.ready).toBe(101);
    expect(crowded.logged(CLOSED)).toBe(1);
    for (const each of [client, next]) await each.close();
    await crowded.do("close");
  }, 60_000);

  it("refuses publishes as OUT_OF_DESCRIPTORS when it can open nothing, and confirms what waited when it can", async () => {
    const data = testDirectory();
    const crowded = await CrowdedProcess.start(data);
    const client = await clientOf(crowded.tcp);
    const other = await clientOf(crowded.tcp);
    await client.publish("orders", "first");
    await crowded.do("keep eating");
    const waiting: Promise<unknown>[] = [];
    while (crowded.logged(STALLED) === 0) {
      expect(waiting.length).toBeLessThan(100);
      waiting.push(client.publish("orders", Buffer.alloc(8_000)));
      await Promise.race([waiting.at(-1), crowded.untilLogged(STALLED)]);
    }
    for (let i = 0; i < 3; i++) {
      await expect(other.publish("orders", "refused")).rejects.toMatchObject({
        code: "OUT_OF_DESCRIPTORS",
        retryable: true,
      });
      // Several times as long as the journal waits between two attempts.
      await delay(500);
    }
    expect(crowded.logged(STALLED)).toBe(1);
    expect(crowded.lines.find(({ text }) => text?.includes(STALLED))?.error).toContain("EMFILE");

    await crowded.do("free");
    await Promise.all(waiting);
    expect(crowded.logged("the journal can write again")).toBe(1);
    await other.publish("orders", "last");
    crowded.child.kill("SIGKILL");
    await crowded.exit;
    const { tcp } = await testBroker({ data });
    expect((await (await clientOf(tcp)).stats("orders")).queues[0]?.ready).toBe(waiting.length + 2);
  }, 60_000);

  it("starts the thread of a shard again when it can, however long that takes", async () => {
    const crowded = await CrowdedProcess.start(testDirectory());
    const client = await clientOf(crowded.tcp);
    await client.publish("orders", "first");
    await crowded.do("keep eating");
    await crowded.do("kill");
    // Several times as long as it waits between two attempts.
    await delay(2_000);
    expect(crowded.logged("a shard failed")).toBe(1);
    expect(crowded.logged("is given up")).toBe(0);
    await crowded.do("free");
    await crowded.untilLogged("a shard runs again");
    await client.publish("orders", "second");
    expect((await client.stats("orders")).queues[0]?.ready).toBe(2);
  }, 60_000);
});
