/** What stops a journal is named once in the log and in each refusal. Disks that really have no inodes, no rights, and so on. */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, it, onTestFinished, type TestContext } from "vitest";
import { testDirectory } from "./brokers.js";
import { clientOf } from "./clients.js";
import { mounted, mountedTmpfs, privileged } from "./mounts.js";
import { ANY_PORT, type Run, started } from "./program.js";

const FLAGS = [...ANY_PORT, "--shards", "1", "--segment-bytes", "1mb", "--disk-reserve", "0"];
const BODY = "x".repeat(20_000);

type Client = Awaited<ReturnType<typeof clientOf>>;

const logged = async ({ child, text }: Run, words: string): Promise<void> => {
  while (!text.err.includes(words)) await once(child.stderr, "data");
};

/** Publishes until the log has these words. What is held back then is not waited for. */
const publishUntil = async (broker: Run, client: Client, words: string): Promise<void> => {
  // When the test fails the broker is killed, and each publish is refused at once.
  const said = Promise.race([logged(broker, words), broker.exit]);
  let isSaid = false;
  void said.then(() => {
    isSaid = true;
  });
  while (!isSaid) await Promise.race([said, client.publish("orders", BODY).catch(() => {})]);
};

/** What another client is told, whose answers wait for nobody's. */
const expectRefusals = async ({ tcp }: { readonly tcp: number }, code: string, words: string): Promise<void> => {
  const client = await clientOf(tcp);
  for (let i = 0; i < 3; i++) {
    await expect(client.publish("orders", BODY)).rejects.toMatchObject({
      code,
      retryable: true,
      message: expect.stringContaining(words),
    });
  }
};

const times = ({ text }: Run, words: string): number => text.err.split(words).length - 1;

const shardDirectory = (data: string): string => join(data, "generation-1", "shard-0");

const immutable = (context: TestContext, path: string): (() => void) => {
  privileged(context, "chattr", "+i", path);
  const release = (): void => {
    execFileSync("chattr", ["-i", path]);
  };
  onTestFinished(release);
  return release;
};

const WAITS = "publishes are refused and confirms wait until it can";

// On a busy machine the space may be used up before the inodes are missed.
const AGAIN = { retry: 2, timeout: 30_000 };

it("a file system without inodes is not one without space, and goes on when it has some", AGAIN, async (context) => {
  const data = mountedTmpfs(context, "size=64m,nr_inodes=40");
  const broker = await started(FLAGS, { RINGMQ_DATA: data });
  const client = await clientOf(broker.tcp);
  await client.publish("orders", "first");
  mkdirSync(join(data, "others"));
  let others = 0;
  for (let isFull = false; !isFull; others++) {
    try {
      writeFileSync(join(data, "others", String(others)), "");
    } catch (error) {
      expect(error).toMatchObject({ code: "ENOSPC" });
      isFull = true;
    }
  }
  const cause = "the file system of the data directory has no inodes left";
  await publishUntil(broker, client, cause);
  await expectRefusals(broker, "DISK_FULL", cause);
  expect(times(broker, cause)).toBe(1);
  rmSync(join(data, "others"), { recursive: true });
  await logged(broker, "the disk has room again");
  await (await clientOf(broker.tcp)).publish("orders", BODY);
});

it("a directory that the broker may not write to is named as that, and so is that it may again", async (context) => {
  const data = testDirectory();
  const broker = await started(FLAGS, { RINGMQ_DATA: data });
  const client = await clientOf(broker.tcp);
  const release = immutable(context, shardDirectory(data));
  const cause = "the broker may not write to its data directory";
  await publishUntil(broker, client, `the journal cannot write, since ${cause}: ${WAITS}`);
  await expectRefusals(broker, "DISK_FAULT", cause);
  expect(times(broker, cause)).toBe(1);
  release();
  await logged(broker, "the journal can write again");
  await client.publish("orders", BODY);
}, 60_000);

it("a file system that has become read-only is named as that", async (context) => {
  const image = join(testDirectory(), "image");
  writeFileSync(image, "");
  privileged(context, "truncate", "-s", "32M", image);
  privileged(context, "mkfs.ext4", "-q", image);
  const data = mounted(context, "-o", "loop,errors=remount-ro", image);
  const device = basename(privileged(context, "findmnt", "-no", "SOURCE", data).trim());
  const broker = await started(FLAGS, { RINGMQ_DATA: data });
  const client = await clientOf(broker.tcp);
  await client.publish("orders", "first");
  // As the kernel does when it finds the file system broken.
  privileged(context, "sh", "-c", `echo test > /sys/fs/ext4/${device}/trigger_fs_error`);
  client.publish("orders", "held back").catch(() => {});
  const cause = "the file system of the data directory is read-only";
  await logged(broker, `the journal cannot write, since ${cause}: ${WAITS}`);
  await expectRefusals(broker, "DISK_FAULT", cause);
  expect(times(broker, cause)).toBe(1);
}, 60_000);

it("a limit on the size of files is named with what raises it", async () => {
  const broker = await started(FLAGS, {}, "-f 1024");
  const client = await clientOf(broker.tcp);
  const cause = "a file of the journal may not become as large as it must";
  await publishUntil(broker, client, cause);
  await expectRefusals(broker, "DISK_FAULT", "ulimit -f");
  expect(times(broker, cause)).toBe(1);
}, 60_000);

it("a stop that cannot write its journal has exit status 3", async (context) => {
  const data = testDirectory();
  const broker = await started([...FLAGS, "--close-timeout", "3s"], { RINGMQ_DATA: data });
  const client = await clientOf(broker.tcp);
  await client.publish("orders", "first");
  const directory = shardDirectory(data);
  const segment = readdirSync(directory).find((name) => name.endsWith(".seg")) ?? "";
  immutable(context, join(directory, segment));
  client.publish("orders", "held back").catch(() => {});
  await logged(broker, `the journal cannot write, since the broker may not write to its data directory: ${WAITS}`);
  broker.child.kill("SIGTERM");
  expect(await broker.exit).toEqual({ code: 3, signal: null });
  expect(broker.text.err).toContain("shard 0 did not end in order: the log tells why");
}, 60_000);
