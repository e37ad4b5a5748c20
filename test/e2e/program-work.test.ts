/** `ringmq work` as a process: what becomes of messages when commands end, do not end, or cannot begin. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Client } from "../../src/client/client.js";
import { sharedBroker } from "./brokers.js";
import { clientOf } from "./clients.js";
import { Shell } from "./shell.js";

const broker = sharedBroker();

const here = async (): Promise<{ readonly shell: Shell; readonly client: Client }> => ({
  shell: new Shell(undefined, { RINGMQ_SERVER: `tcp://127.0.0.1:${broker().tcp}` }),
  client: await clientOf(broker().tcp),
});

describe("ringmq work", () => {
  it("acks what its command has done and gives back what it has not, in the bytes and the words of the message", async () => {
    const { shell, client } = await here();
    await client.configure("jobs", { retries: 0 });
    await client.publish("jobs", "good\n", { headers: { n: 1 } });
    await client.publish("jobs", "bad\n");
    const line = `ringmq work jobs --count 2 --concurrency 2 -- sh -c 'read word; echo "$word $RINGMQ_MESSAGE_HEADERS" >> seen; test $word = good'`;
    const { text, exit } = shell.program(line);
    expect(await exit).toBe(1);
    expect(text.err).toMatch(/^message \d+: exit code 1; given back\n$/);
    const dead = shell.program("ringmq dead list jobs --group");
    await dead.exit;
    expect(dead.text.out).toMatch(/ retries: exit code 1$/m);
    expect(readFileSync(join(shell.directory, "seen"), "utf8").trim().split("\n").sort()).toEqual([
      "bad {}",
      'good {"n":1}',
    ]);
    const [queue] = (await client.stats("jobs")).queues;
    expect([queue?.ready, queue?.inFlight, queue?.deadLetters]).toEqual([0, 0, 1]);
  });

  it("holds a message for as long as its command runs, over several TTRs", async () => {
    const { shell, client } = await here();
    await client.configure("slow", { ttr: 1_500 });
    await client.publish("slow", "x");
    const { exit, text } = shell.program("ringmq work slow --count 1 -- sleep 5");
    expect([await exit, text.err]).toEqual([0, ""]);
    const { delivered, acked, retried } = await client.stats("slow");
    expect([delivered, acked, retried]).toEqual([1, 1, 0]);
  });

  it("ends a command that takes too long, with all that it has started", async () => {
    const { shell, client } = await here();
    await client.publish("endless", "x");
    const { exit, text } = shell.program(
      "ringmq work endless --count 1 --timeout 300ms --json -- sh -c 'sleep 600 & wait'",
    );
    expect(await exit).toBe(1);
    expect(text.out).toMatch(/"end":"it took longer than --timeout","settled":"given back"/);
    expect((await client.stats("endless")).queues[0]?.ready).toBe(1);
  });

  it("lets the commands that run finish when it is told to stop, and takes no more", async () => {
    const { shell, client } = await here();
    await client.publishBatch("stopped", ["1", "2"]);
    const { child, exit, said } = shell.program(
      "ringmq work stopped -- sh -c 'echo begun; while ! test -e go; do sleep 0.05; done; echo done'",
    );
    await said("begun");
    child.kill("SIGTERM");
    await shell.output("sleep 0.2; touch go");
    expect(await exit).toBe(0);
    const stats = await client.stats("stopped");
    expect([stats.acked, stats.retried, stats.queues[0]?.ready]).toEqual([1, 0, 1]);
  });

  it("ends when its command cannot be started, and drops nothing", async () => {
    const { shell, client } = await here();
    await client.publish("missing", "x");
    const { text, exit } = shell.program("ringmq work missing -- ./no-such-program");
    expect(await exit).toBe(2);
    expect(text.err).toBe("error: ./no-such-program cannot be started: there is no such program\n");
    expect((await client.stats("missing")).queues[0]?.ready).toBe(1);
  });
});
