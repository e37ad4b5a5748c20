/** A data directory that goes elsewhere under a running broker, and brokers that come to one by other ways. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { createServer } from "node:net";
import { platform } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { socketOf } from "../../src/main/data/directory-socket.js";
import { testBroker, testDirectory } from "./brokers.js";
import { clientOf, texts } from "./clients.js";
import { ANY_PORT, type Run, run, started } from "./program.js";

const FLAGS = [...ANY_PORT, "--shards", "1", "--segment-bytes", "1mb", "--close-timeout", "3s"];
const AWAY = "the data directory has been moved, removed or replaced";
const BACK = "the data directory is where it was again";

const logged = async ({ child, text }: Run, words: string): Promise<void> => {
  while (!text.err.includes(words)) await once(child.stderr, "data");
};

const times = ({ text }: Run, words: string): number => text.err.split(words).length - 1;

/** A broker with one message, and a client of it. */
const brokerOn = async (data: string) => {
  const broker = await started(FLAGS, { RINGMQ_DATA: data });
  const client = await clientOf(broker.tcp);
  await client.publish("orders", "before");
  return { broker, client };
};

/** Publishes without waiting; whether that was confirmed. */
const attempt = (client: Awaited<ReturnType<typeof clientOf>>, body: string): { isConfirmed: boolean } => {
  const state = { isConfirmed: false };
  client.publish("orders", body).then(
    () => {
      state.isConfirmed = true;
    },
    () => {},
  );
  return state;
};

/** Publishes until that is refused. What the shard takes before it has found out is held back, and not waited for. */
const expectRefusal = async (tcp: number): Promise<void> => {
  for (let i = 0; i < 20; i++) {
    const client = await clientOf(tcp);
    const outcome = client.publish("others", "refused").catch((error: unknown) => error);
    const error = await Promise.race([outcome, delay(1_000)]);
    if (error === undefined) continue;
    expect(error).toMatchObject({ code: "DISK_FAULT", retryable: true, message: expect.stringContaining(AWAY) });
    return;
  }
  throw new Error("20 times nothing was refused");
};

/** All files below a directory, with what is in them. */
const contents = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort()
    .map((path) => `${path} ${createHash("sha256").update(readFileSync(path)).digest("hex")}`);

describe("a data directory under a running broker", () => {
  it("that is moved is noticed; nothing is confirmed until it is back, and then all of it", async () => {
    const root = testDirectory();
    const [data, elsewhere] = [join(root, "data"), join(root, "elsewhere")];
    const { broker, client } = await brokerOn(data);
    renameSync(data, elsewhere);
    // Also by a broker that has nothing to do.
    await logged(broker, `${AWAY}: ${data} is gone: it is ${elsewhere} now. Nothing is confirmed until it is back`);
    const held = attempt(client, "held back");
    await expectRefusal(broker.tcp);
    expect(held.isConfirmed).toBe(false);
    expect(times(broker, AWAY)).toBe(1);
    expect(broker.text.err).not.toContain("free space");

    renameSync(elsewhere, data);
    await expect.poll(() => held.isConfirmed, { timeout: 20_000 }).toBe(true);
    await logged(broker, BACK);
    await client.publish("orders", "after");
    broker.child.kill("SIGKILL");
    await broker.exit;
    const next = await started(FLAGS, { RINGMQ_DATA: data });
    const messages = await (await clientOf(next.tcp)).pop("orders", { max: 10 });
    expect(texts(messages)).toEqual(["before", "held back", "after"]);
  }, 60_000);

  it("that is removed is not made again, and the stop is not exit status 0", async () => {
    const data = join(testDirectory(), "data");
    const { broker, client } = await brokerOn(data);
    rmSync(data, { recursive: true });
    const held = attempt(client, "held back");
    await logged(broker, `${AWAY}: ${data} is gone: it was removed`);
    await expectRefusal(broker.tcp);
    broker.child.kill("SIGTERM");
    expect(await broker.exit).toEqual({ code: 3, signal: null });
    expect(held.isConfirmed).toBe(false);
    expect(existsSync(data)).toBe(false);
    expect(times(broker, AWAY)).toBe(1);
  }, 60_000);

  it("that is replaced by a copy is not written to; another broker has it later as it is", async () => {
    const root = testDirectory();
    const [data, copy, elsewhere] = [join(root, "data"), join(root, "copy"), join(root, "elsewhere")];
    const { broker, client } = await brokerOn(data);
    execFileSync("cp", ["-a", data, copy]);
    renameSync(data, elsewhere);
    renameSync(copy, data);
    const before = contents(data);
    // More than a segment: it would be made in the copy.
    const held = Array.from({ length: 40 }, () => attempt(client, "x".repeat(50_000)));
    await logged(broker, `${AWAY}: ${data} is not the one that was opened: it is ${elsewhere} now`);
    await expectRefusal(broker.tcp);
    broker.child.kill("SIGTERM");
    expect(await broker.exit).toEqual({ code: 3, signal: null });
    expect(held.filter(({ isConfirmed }) => isConfirmed)).toEqual([]);
    expect(contents(data)).toEqual(before);
    const next = await started(FLAGS, { RINGMQ_DATA: data });
    expect(texts(await (await clientOf(next.tcp)).pop("orders", { max: 10 }))).toEqual(["before"]);
  }, 60_000);

  it.each([
    ["its manifest", "ringmq.json"],
    ["the directory of a shard", "generation-1/shard-0"],
  ])(
    "is not whole without %s",
    async (_, name) => {
      const data = testDirectory();
      const { broker, client } = await brokerOn(data);
      renameSync(join(data, name), join(data, "aside"));
      const held = attempt(client, "held back");
      await logged(broker, `${AWAY}: ${join(data, name)} is gone: it is ${join(data, "aside")} now`);
      await expectRefusal(broker.tcp);
      renameSync(join(data, "aside"), join(data, name));
      await expect.poll(() => held.isConfirmed, { timeout: 20_000 }).toBe(true);
    },
    60_000,
  );

  it("whose open segment is deleted takes nothing more", async () => {
    const data = testDirectory();
    const { broker, client } = await brokerOn(data);
    const directory = join(data, "generation-1", "shard-0");
    for (const name of readdirSync(directory)) if (name.endsWith(".seg")) rmSync(join(directory, name));
    const held = attempt(client, "held back");
    await logged(broker, `the journal cannot write, since ${AWAY}`);
    await expectRefusal(broker.tcp);
    expect(held.isConfirmed).toBe(false);
    expect(times(broker, AWAY)).toBe(1);
  }, 60_000);
});

describe("two brokers", () => {
  const refusedOn = async (data: string, words: string): Promise<void> => {
    const second = run(["serve", ...FLAGS], { RINGMQ_DATA: data });
    expect(await second.exit).toEqual({ code: 1, signal: null });
    expect(second.text.err).toContain(words);
  };

  const locks = (data: string): string[] => readdirSync(data).filter((name) => name.startsWith("LOCK."));

  it("do not share a directory by a link, nor when the lock was deleted", async () => {
    const root = testDirectory();
    const [data, link] = [join(root, "data"), join(root, "link")];
    const { broker, client } = await brokerOn(data);
    symlinkSync(data, link);
    await refusedOn(link, `is in use by the process ${broker.child.pid}`);
    for (const name of locks(data)) rmSync(join(data, name));
    await refusedOn(data, "is in use by");
    // It is made again.
    await expect.poll(() => locks(data), { timeout: 20_000 }).toHaveLength(1);
    await client.publish("orders", "still there");
    broker.child.kill("SIGTERM");
    expect(await broker.exit).toEqual({ code: 0, signal: null });
    await started(FLAGS, { RINGMQ_DATA: link });
  }, 120_000);

  it("do not share a directory when there is no lock at all", async () => {
    const data = testDirectory();
    await testBroker({ data });
    const deleting = setInterval(() => {
      for (const name of locks(data)) rmSync(join(data, name), { force: true });
    }, 1);
    onTestFinished(() => clearInterval(deleting));
    await expect(testBroker({ data })).rejects.toThrow(`${data} is in use by another broker`);
  }, 60_000);

  it("do not share a directory by a mount", async (context) => {
    const [data, mount] = [testDirectory(), testDirectory()];
    const { broker } = await brokerOn(data);
    try {
      execFileSync("mount", ["--bind", data, mount], { stdio: "pipe" });
    } catch (error) {
      return context.skip(`nothing can be mounted: ${String(error)}`);
    }
    onTestFinished(() => {
      execFileSync("umount", ["-l", mount]);
    });
    await refusedOn(mount, `is in use by the process ${broker.child.pid}`);
  }, 60_000);
});

it.runIf(platform() === "linux")(
  "a process that has taken the name of a directory's socket is one that the broker tells how to find",
  async () => {
    const data = testDirectory();
    const server = createServer().listen(socketOf(data));
    await once(server, "listening");
    onTestFinished(() => void server.close());
    await expect(testBroker({ data })).rejects.toThrow(
      `\`ss -xlp | grep ${socketOf(data).slice(1)}\` tells root which; end it`,
    );
  },
);
