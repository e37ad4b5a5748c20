/** The program `memmq` as a client and as a proxy: pipes and a terminal. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { createClient } from "../../src/memmq-client/index.js";
import { type TestBroker, testBroker } from "./brokers.js";

const PROGRAM = fileURLToPath(new URL("../../dist/cli/memmq.js", import.meta.url));
const MEMORY = { durability: "memory", tcp: "off" } as const;

/** A program, or a line of a shell. */
const start = (command: string, args: readonly string[]) => {
  const child = spawn(command, args, { stdio: "pipe" });
  let out = "";
  let err = "";
  let look = (): void => {};
  child.stdout.on("data", (bytes: Buffer) => {
    out += bytes.toString();
    look();
  });
  child.stderr.on("data", (bytes: Buffer) => {
    err += bytes.toString();
    look();
  });
  const exit = once(child, "close").then(([code]) => code as number | null);
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  /** Resolves when what it has written satisfies this. */
  const until = (isSo: (out: string, err: string) => boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      look = () => {
        if (isSo(out, err)) resolve();
      };
      look();
      void exit.then((code) => reject(new Error(`it has ended with ${code}: ${out}${err}`)));
    });
  return { child, exit, until, out: () => out, err: () => err };
};

const memmq = (...args: readonly string[]) => start(process.execPath, [PROGRAM, ...args]);

let server: TestBroker;
let servers: string;

const client = () => {
  const made = createClient({ servers: [servers] });
  onTestFinished(() => made.close());
  return made;
};

/** Resolves when so many subscribe to the topic. */
const subscribed = async (count: number): Promise<void> => {
  await expect.poll(() => server.broker.usage.connections, { timeout: 20_000 }).toBeGreaterThanOrEqual(count);
};

describe("memmq", () => {
  it("publishes lines: empty ones, ones of bytes, and a last one without an end; prints messages as lines", async () => {
    server = await testBroker(MEMORY);
    servers = `http://127.0.0.1:${server.http}`;
    const own = client();
    const subscription = own.subscribe("t");
    await subscription.ready;
    const subscriber = memmq("--client", "--topic=t", "--subscribe", `--servers=${servers}`);
    await subscribed(2);
    const publisher = memmq("-client", "-topic", "t", "-publish", "-servers", servers);
    publisher.child.stdin.end(
      Buffer.concat([Buffer.from("one\n\ntwo\r\n"), Buffer.from([0xff, 0, 0x0a]), Buffer.from("last")]),
    );
    expect(await publisher.exit).toBe(0);
    const payloads: Buffer[] = [];
    for await (const { payload } of subscription) if (payloads.push(Buffer.from(payload)) === 5) break;
    expect(payloads).toEqual([
      Buffer.from("one"),
      Buffer.alloc(0),
      Buffer.from("two"),
      Buffer.from([0xff, 0]),
      Buffer.from("last"),
    ]);
    await subscriber.until((out) => out.includes("last\n"));
    expect(subscriber.out().startsWith("one\n\ntwo\n")).toBe(true);
    subscriber.child.kill("SIGTERM");
    expect(await subscriber.exit).toBe(0);

    // Whoever reads has read enough.
    const piped = start("sh", [
      "-c",
      `"${process.execPath}" "${PROGRAM}" --client --topic=h --subscribe --servers=${servers} | head -n 1`,
    ]);
    await subscribed(1);
    const sending = setInterval(() => void own.publish("h", "x").catch(() => {}), 20);
    expect(await piped.exit).toBe(0);
    clearInterval(sending);
    expect(piped.out()).toBe("x\n");

    // Both at once: own lines are not echoed, the same line of somebody else is, and repeated lines are all published.
    const interactive = memmq("-i", "--topic=i", `--servers=${servers}`);
    const heard = own.subscribe("i");
    await heard.ready;
    interactive.child.stdin.write("same\nsame\n");
    for (let i = 0; i < 2; i++) expect(Buffer.from((await heard.next()).value?.payload ?? []).toString()).toBe("same");
    await own.publish("i", "same");
    await own.publish("i", "other");
    await interactive.until((out) => out.includes("other\n"));
    expect(interactive.out()).toBe("same\nother\n");
    interactive.child.stdin.end("bye");
    expect(await interactive.exit).toBe(0);
    expect(interactive.out()).toBe("same\nother\n");

    // At a terminal a message does not destroy the line that is being typed, and arrow-up brings a line back.
    const line = `'${process.execPath}' '${PROGRAM}' -i --topic=i --servers=${servers}`;
    const terminal = start("script", ["-qfec", line, "/dev/null"]);
    await terminal.until((out) => out.includes("> "));
    terminal.child.stdin.write("first\r");
    for (const text of ["same", "other", "bye", "first"]) {
      for (;;) {
        const { value } = await heard.next();
        if (Buffer.from(value?.payload ?? []).toString() === text) break;
      }
    }
    terminal.child.stdin.write("half");
    await terminal.until((out) => out.includes("half"));
    await own.publish("i", "\u001b[31mred");
    // What controls a terminal is written out, and the prompt comes back with what was typed.
    await terminal.until((out) => /\\u001b\[31mred\r\n.*> half/s.test(out));
    terminal.child.stdin.write(" way\r\u001b[A\r");
    for (const text of ["\u001b[31mred", "half way", "half way"]) {
      expect(Buffer.from((await heard.next()).value?.payload ?? []).toString()).toBe(text);
    }
    terminal.child.stdin.write("\u0004");
    expect(await terminal.exit).toBe(0);
    expect(terminal.out()).not.toContain("\u001b[31m");
  });

  it("as a proxy over TLS, and a client that is told of failures by its exit code", async () => {
    server = await testBroker(MEMORY);
    const proxy = memmq("--proxy", "--address=127.0.0.1:0", `--servers=http://127.0.0.1:${server.http}`);
    await proxy.until((out) => /https:\/\/127\.0\.0\.1:\d+/.test(out));
    const [, port = ""] = /https:\/\/(127\.0\.0\.1:\d+)/.exec(proxy.out()) ?? [];
    const heard = createClient({ servers: [`http://127.0.0.1:${server.http}`] }).subscribe("t");
    await heard.ready;
    const publisher = memmq("--client", "--topic=t", "--publish", `--servers=${port}`);
    publisher.child.stdin.end("through\n");
    expect(await publisher.exit).toBe(0);
    expect(publisher.err()).toContain("certificates of servers are not checked");
    expect(Buffer.from((await heard.next()).value?.payload ?? []).toString()).toBe("through");
    await heard.return();
    const strict = memmq("--client", "--topic=t", "--publish", "--verify", "--retries=0", `--servers=${port}`);
    strict.child.stdin.end("a\nb\nc\n");
    expect(await strict.exit).toBe(1);
    expect(strict.err()).toContain("3 of 3 messages were not published");
    expect(strict.err()).toContain("signed its certificate");
    proxy.child.kill("SIGTERM");
    expect(await proxy.exit).toBe(0);
  });
});
