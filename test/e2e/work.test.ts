/**
 * Workers in processes of their own: their leases are kept by a thread, whatever their handlers do to the event loop.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, it, type TestContext } from "vitest";
import type { ConnectOptions } from "../../src/client/arguments/options.js";
import type { Client } from "../../src/client/client.js";
import { PLAIN, WIRES, type Wire } from "../tls.js";
import { sharedBroker } from "./brokers.js";

const { connect } = (await import("../../dist/client/index.js" as string)) as {
  connect: (url: string, options?: ConnectOptions) => Promise<Client>;
};

const PROGRAM = fileURLToPath(new URL("working-process.mjs", import.meta.url));

const TTR = 1500;

const TLS = WIRES[1] ?? PLAIN;

/** A broker, and a client of it. */
const side = (wire: Wire) => {
  const broker = sharedBroker({ ttr: TTR, ...wire.broker });
  let publisher: Client | undefined;
  beforeAll(async () => {
    publisher = await connect(`${wire.tcp}://127.0.0.1:${broker().tcp}`, wire.client);
    return () => publisher?.close();
  });
  return {
    options: wire.client,
    address: (scheme: string) => `${scheme}://127.0.0.1:${scheme.startsWith("t") ? broker().tcp : broker().http}`,
    client: () => {
      if (publisher === undefined) throw new Error("the client is there when the tests run, not before");
      return publisher;
    },
  };
};

const [plain, secure] = [side(PLAIN), side(TLS)];

interface Program {
  readonly child: ChildProcess;
  /** What it has told. */
  readonly told: object[];
  /** Resolves with its exit code, null when it was killed. */
  readonly exit: Promise<number | null>;
}

/** Tests run side by side: what is to be done when one ends, its context knows. */
const start = ({ onTestFinished }: TestContext, how: object): Program => {
  const child = fork(PROGRAM, [JSON.stringify({ url: plain.address("tcp"), ...how })], {
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const told: object[] = [];
  child.on("message", (message: object) => void told.push(message));
  return { child, told, exit: once(child, "exit").then(([code]) => code as number | null) };
};

/** What a program tells whose only message is processed once. */
const ONCE = [
  { ready: true },
  { begun: "x", retry: 0 },
  { ended: "x", aborted: null },
  { processed: 1, failed: 0, lost: 0, threads: 0 },
];

const publisher = (): Client => plain.client();

it.concurrent.for([
  ["tcp", plain],
  ["ws", plain],
  ["tls", secure],
  ["wss", secure],
] as const)(
  "over %s, a handler that blocks the event loop for three TTRs runs once; its process ends",
  async ([scheme, side], context) => {
    const [client, options] = [side.client(), side.options];
    await client.publish(scheme, "x");
    const program = start(context, { url: side.address(scheme), options, topic: scheme, block: 3 * TTR });
    expect(await program.exit).toBe(0);
    expect(program.told).toEqual(ONCE);
    expect(await client.stats(scheme)).toMatchObject({ acked: 1, retried: 0 });
  },
);

it.concurrent("a hundred messages in hand are kept while one handler after the other blocks", async (context) => {
  await publisher().publishBatch(
    "hundred",
    Array.from({ length: 100 }, (_, i) => `${i}`),
  );
  const how = { topic: "hundred", block: 25, wait: TTR, count: 100, work: { concurrency: 100 } };
  const program = start(context, how);
  expect(await program.exit).toBe(0);
  expect(program.told.at(-1)).toEqual({ processed: 100, failed: 0, lost: 0, threads: 0 });
  expect(await publisher().stats("hundred")).toMatchObject({ acked: 100, retried: 0 });
});

it.concurrent.for([
  ["hangs loses its message after twelve TTRs", {}],
  ["blocks loses its message a TTR after its handler's timeout", { timeout: 400 }],
] as const)("a process that %s", async ([what, work], context) => {
  await publisher().configure(what, { ttr: 100 });
  await publisher().publish(what, "x");
  const program = start(context, { topic: what, block: null, work });
  await expect.poll(() => program.told, { timeout: 20_000 }).toContainEqual({ begun: "x", retry: 0 });
  const [message] = await publisher().pop(what, { wait: 20_000 });
  expect([message?.text(), message?.retry]).toEqual(["x", 1]);
  program.child.kill("SIGKILL");
});

it.concurrent.for(["cannot start", "dies"])(
  "when the lease thread %s, a timer renews, and that is said once",
  async (thread, context) => {
    await publisher().publish(thread, "x");
    const program = start(context, { topic: thread, thread, wait: 3 * TTR });
    expect(await program.exit).toBe(0);
    const warnings = program.told.filter((message) => "warning" in message);
    expect(warnings).toEqual([{ warning: "RINGMQ_NO_LEASE_THREAD" }]);
    expect(program.told.filter((message) => !("warning" in message))).toEqual(ONCE);
    expect(await publisher().stats(thread)).toMatchObject({ acked: 1, retried: 0 });
  },
);
