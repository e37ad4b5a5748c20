/** What systemd is told by a program that it runs: by its own systemd-notify, at a socket such as its own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { symlinkSync, writeFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { beforeAll, expect, it, onTestFinished } from "vitest";
import { debianPackage, exists, FETCH_TIMEOUT } from "../debian-package.js";
import { ROOT } from "../project/document.js";
import { testDirectory } from "./brokers.js";
import { ANY_PORT, run, started } from "./program.js";

/** Prints each datagram in a line, but for the one by which systemd-notify waits, which comes after each. */
const RECEIVER = `
use Socket;
$| = 1;
socket(my $socket, PF_UNIX, SOCK_DGRAM, 0) or die;
bind($socket, sockaddr_un($ARGV[0])) or die;
print "listening\\n";
while (defined(recv($socket, my $text, 4096, 0))) {
  $text =~ s/\\n/ /g;
  print "$text\\n" unless $text =~ /^BARRIER=/;
}
`;

/** Where systemd-notify is, if not where programs are. */
let unpacked: Readonly<Record<string, string>> = {};

beforeAll(async () => {
  if (await exists("/usr/bin/systemd-notify")) return;
  const root = await debianPackage("systemd");
  const files = await readdir(root, { recursive: true });
  const folderOf = (name: RegExp): string => join(root, dirname(files.find((path) => name.test(path)) ?? ""));
  unpacked = {
    PATH: `${folderOf(/bin\/systemd-notify$/)}:${process.env["PATH"]}`,
    LD_LIBRARY_PATH: folderOf(/\/libsystemd-shared-\w+\.so$/),
  };
}, FETCH_TIMEOUT);

const serviceManager = async () => {
  const socket = join(testDirectory(), "notify");
  const child = spawn("perl", ["-e", RECEIVER, socket], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill());
  let text = "";
  child.stdout.on("data", (bytes: Buffer) => {
    text += bytes.toString();
  });
  const told = async (count: number): Promise<string[]> => {
    while (text.split("\n").length <= count) await once(child.stdout, "data");
    return text.trim().split("\n").slice(1);
  };
  await told(1);
  return { env: { ...unpacked, NOTIFY_SOCKET: socket }, told: (count: number) => told(count + 1) };
};

it("is told when a broker is ready, reads its configuration again, and stops", async () => {
  const { env, told } = await serviceManager();
  const file = join(testDirectory(), "ringmq.toml");
  writeFileSync(file, "");
  const begin = process.hrtime();
  const { child, exit, text } = await started([...ANY_PORT, "--config", file], env);
  expect(await told(1)).toEqual(["READY=1"]);
  child.kill("SIGHUP");
  const [, reloading = "", ready] = await told(3);
  const [, microseconds] = /^RELOADING=1 MONOTONIC_USEC=(\d+)$/.exec(reloading) ?? [];
  const [seconds] = process.hrtime();
  expect(Number(microseconds)).toBeGreaterThan(begin[0] * 1e6);
  expect(Number(microseconds)).toBeLessThan((seconds + 1) * 1e6);
  expect(ready).toBe("READY=1");
  child.kill("SIGTERM");
  expect((await told(4)).at(3)).toBe("STOPPING=1");
  expect(await exit).toEqual({ code: 0, signal: null });
  expect(text.err).not.toContain("WARN");
});

it("is told nothing by a broker that cannot start", async () => {
  const { env, told } = await serviceManager();
  const { exit } = run(["serve", ...ANY_PORT, "--data", "/dev/null"], env);
  expect((await exit).code).toBe(1);
  await started(ANY_PORT, env);
  // By the second one alone.
  expect(await told(1)).toEqual(["READY=1"]);
});

it("is missed in the log where there is no systemd-notify, and the broker runs", async () => {
  const PATH = testDirectory();
  symlinkSync("/bin/sh", join(PATH, "sh"));
  const { child, exit, text } = await started(ANY_PORT, { NOTIFY_SOCKET: join(PATH, "notify"), PATH });
  while (!text.err.includes("systemd-notify")) await once(child.stderr, "data");
  child.kill("SIGTERM");
  expect((await exit).code).toBe(0);
  expect(text.err).toMatch(/ WARN {2}systemd cannot be told READY=1 reason=spawn systemd-notify ENOENT$/m);
});

it("has the priority of each line where standard error is its journal, and nobody else has", async () => {
  const logged = async (isJournal: boolean): Promise<string> => {
    const stream = `$(stat -L -c %d:%i /proc/self/fd/2)${isJournal ? "" : "0"}`;
    const serve = [join(ROOT, "dist/cli/ringmq.js"), "serve", ...ANY_PORT, "--durability", "memory"];
    const child = spawn("sh", ["-c", `export JOURNAL_STREAM=${stream}; exec "$@"`, "sh", process.execPath, ...serve], {
      env: { ...process.env, RINGMQ_NOTHING: "1" },
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    const [first] = await once(child.stderr, "data");
    return String(first);
  };
  const line = String.raw`\S+Z WARN {2}an environment variable is not one of the broker's`;
  expect(await logged(true)).toMatch(new RegExp(`^<4>${line}`));
  expect(await logged(false)).toMatch(new RegExp(`^${line}`));
});
