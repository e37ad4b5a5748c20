/** The program `ringmq` as a process, killed when the test ends. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { testDirectory } from "./brokers.js";

const PROGRAM = fileURLToPath(new URL("../../dist/cli/ringmq.js", import.meta.url));
export const ANY_PORT = ["--tcp", "127.0.0.1:0", "--http", "127.0.0.1:0"];

export interface Run {
  readonly child: ChildProcessWithoutNullStreams;
  /** What it has written so far. */
  readonly text: { out: string; err: string };
  readonly exit: Promise<{ readonly code: number | null; readonly signal: string | null }>;
}

/** `limit`: of its resources, as `ulimit` takes it. */
export const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}, limit?: string): Run => {
  const limited = limit === undefined ? "" : `ulimit ${limit}; `;
  const child = spawn("sh", ["-c", `${limited}exec "$@"`, "sh", process.execPath, PROGRAM, ...args], {
    env: { ...process.env, ...env },
  });
  const text = { out: "", err: "" };
  child.stdout.on("data", (bytes: Buffer) => {
    text.out += bytes.toString();
  });
  child.stderr.on("data", (bytes: Buffer) => {
    text.err += bytes.toString();
  });
  const exit = once(child, "close").then(([code, signal]) => ({ code, signal }) as Awaited<Run["exit"]>);
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  return { child, text, exit };
};

/** Resolves when the broker has said where it listens. */
export const started = async (
  args: readonly string[] = ANY_PORT,
  env: Readonly<Record<string, string>> = {},
  limit?: string,
) => {
  const process = run(["serve", ...args], { RINGMQ_DATA: testDirectory(), ...env }, limit);
  while (!process.text.out.includes("try: ")) {
    await Promise.race([
      once(process.child.stdout, "data"),
      process.exit.then(({ code }) => {
        throw new Error(`exit ${code}: ${process.text.err}`);
      }),
    ]);
  }
  const tcp = Number(/(?:tcp|tls):\/\/127\.0\.0\.1:(\d+)/.exec(process.text.out)?.[1]);
  const http = Number(/https?:\/\/127\.0\.0\.1:(\d+)$/m.exec(process.text.out)?.[1]);
  return { ...process, tcp, http };
};
