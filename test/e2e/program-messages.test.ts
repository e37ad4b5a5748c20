/** `ringmq publish`, `consume`, `pop`, `ack` and `nack` as processes: what goes wrong, pipes that close, terminals. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Client } from "../../src/client/client.js";
import { sharedBroker, testBroker, testDirectory } from "./brokers.js";
import { clientOf } from "./clients.js";
import { freePort, Shell } from "./shell.js";

const broker = sharedBroker();

const shellAt = (port: number): Shell => new Shell(undefined, { RINGMQ_SERVER: `tcp://127.0.0.1:${port}` });
const here = async (): Promise<{ readonly shell: Shell; readonly client: Client }> => ({
  shell: shellAt(broker().tcp),
  client: await clientOf(broker().tcp),
});

describe("an error", () => {
  it("of connecting names host, port and cause, and is exit code 3", async () => {
    const port = await freePort();
    const { text, exit } = shellAt(port).program("ringmq pop orders");
    expect(await exit).toBe(3);
    expect(text.err).toContain(`error: nothing listens on 127.0.0.1:${port}: `);
    expect(text.err).toMatch(/^[^\n]*Start one with ringmq serve \(CONNECT_FAILED\)\n[^\n]*--server\.\n$/);
  });

  it("of the caller is exit code 2, before anything is sent", async () => {
    const { text, exit } = shellAt(1).program("ringmq publish orders hello --json-lines");
    expect(await exit).toBe(2);
    expect(text.err).toMatch(/^error: messages are on the command line: .*\n$/);
  });
});

describe("ringmq publish", () => {
  it("tells how many messages were refused and why, and the others are taken", async () => {
    const { shell, client } = await here();
    await client.configure("full", { maxLength: 3 });
    const { text, exit } = shell.program("ringmq publish full --file lines --lines");
    writeFileSync(join(shell.directory, "lines"), "a\nb\nc\nd\ne\n");
    expect([await exit, text.out]).toEqual([5, ""]);
    expect(text.err).toMatch(
      /^3 messages published in .*\nerror: 2 of 5 messages were not published, .* line 4: .*\(QUEUE_FULL\)\n$/,
    );
    expect((await client.stats("full")).queues[0]?.ready).toBe(3);
  });

  it("goes on behind a line that is no JSON, and says which it was", async () => {
    const { shell } = await here();
    const line = `printf '%s\\n' '{"body":"a"}' '{"boby":"b"}' '{"body":"c"}' | ringmq publish json --json-lines --json 2>&1`;
    const lines = (await shell.output(line)).split("\n");
    expect(lines.filter((each) => each.includes('"id":'))).toHaveLength(2);
    expect(lines.at(-2)).toMatch(/^error: 1 of 3 messages were not published, line 2: it has "boby", which is none of/);
  });

  it("takes or refuses a batch as a whole", async () => {
    const { shell, client } = await here();
    await client.configure("batches", { maxLength: 5 });
    expect(await shell.output("seq 8 | ringmq publish batches --batch 4 2>&1")).toContain("error: 4 of 8 messages");
    expect((await client.stats("batches")).queues[0]?.ready).toBe(4);
  });
});

it("ringmq publish --reconnect 0 tells what was confirmed when the broker goes, and is exit code 3", async () => {
  const { broker: mortal, tcp } = await testBroker();
  const { child, exit, text } = shellAt(tcp).program("ringmq publish lost --reconnect 0");
  const client = await clientOf(tcp);
  child.stdin.write("one\n");
  while ((await client.stats("lost").catch(() => undefined))?.published !== 1) await setTimeout(20);
  await mortal.close();
  expect(await exit).toBe(3);
  expect(text.err).toMatch(/^1 message published in .*\nerror: .*\((?:SHUTTING_DOWN|CONNECTION_CLOSED)\)\n$/);
});

it("ringmq bench measures, and leaves nothing behind", async () => {
  const { shell, client } = await here();
  const { exit, text } = shell.program("ringmq bench --messages 5000 --size 1kb --json");
  expect([await exit, text.err]).toEqual([0, ""]);
  const { messages, bytes, published, consumed, confirmP50 } = JSON.parse(text.out);
  expect([messages, bytes]).toEqual([5_000, 1_024]);
  for (const figure of [published, consumed, confirmP50]) expect(figure).toBeGreaterThan(0);
  for await (const { name } of client.topics()) expect(name).not.toMatch(/^ringmq-bench/);
});

describe("ringmq consume", () => {
  it("acks nothing that its output has not taken", async () => {
    const { shell, client } = await here();
    await client.declareQueue("closed", "default");
    const { child, exit } = shell.program("ringmq consume closed");
    child.stdout.destroy();
    await client.publishBatch("closed", ["a", "b", "c"]);
    expect(await exit).toBe(0);
    const stats = await client.stats("closed");
    expect([stats.acked, stats.queues[0]?.ready]).toEqual([0, 3]);
  });

  it("takes no more than it was told to, and leaves the others as they were", async () => {
    const { shell, client } = await here();
    await client.publishBatch("counted", ["1", "2", "3", "4", "5"]);
    expect(await shell.output("ringmq consume counted --count 2")).toBe("1\n2\n");
    const left = await client.browse("counted");
    expect(left.map((message) => [message.text(), message.retry])).toEqual([
      ["3", 0],
      ["4", 0],
      ["5", 0],
    ]);
  });

  it("hands on to publish whatever a message is: bytes, headers, its key", async () => {
    const { shell, client } = await here();
    const body = Uint8Array.of(0xff, 0, 10, 0xfe);
    await client.declareQueue("source", "eu");
    await client.declareQueue("target", "eu");
    await client.publish("source", body, { routeKey: "eu", headers: { n: 1, list: ["x"] } });
    await shell.output("ringmq consume source --queue eu --count 1 --json | ringmq publish target --json-lines");
    const [message] = await client.browse("target", { queue: "eu" });
    expect([message?.body, message?.headers, message?.routeKey]).toEqual([body, { n: 1, list: ["x"] }, "eu"]);
  });

  it("ends in order when it is told to", async () => {
    const { shell, client } = await here();
    const { child, exit, said } = shell.program("ringmq consume stopped");
    await client.publish("stopped", "hello");
    await said("hello\n");
    child.kill("SIGINT");
    expect(await exit).toBe(0);
    expect((await client.stats("stopped")).acked).toBe(1);
  });
});

describe("on a terminal", () => {
  it("publish draws a bar with rate and time left, and consume lets no message control the terminal", async () => {
    const { shell } = await here();
    writeFileSync(join(shell.directory, "lines"), "\u001b[2Jred\n".repeat(2000));
    const screen = await shell.output(
      `script -qec 'ringmq publish screen --file lines --lines; ringmq consume screen --count 1' /dev/null`,
    );
    expect(screen).toMatch(/publishing \[=+-*\] \d+% \| \d+ messages \| \d+\/s \| .* left/);
    expect(screen).toContain("2000 messages published");
    expect(screen).toContain("\\u001b[2Jred");
    expect(screen).not.toContain("\u001b[2Jred");
  });
});

it("ringmq publish and consume go on over a restart of the broker, and each line comes once", async () => {
  const options = { data: join(testDirectory(), "data") };
  const { broker: first, tcp } = await testBroker(options);
  const shell = shellAt(tcp);
  const publishing = shell.program("ringmq publish lines");
  const consuming = shell.program("ringmq consume lines --count 3");
  publishing.child.stdin.write("1\n");
  await consuming.said("1\n");
  await first.close();
  publishing.child.stdin.write("2\n");
  await testBroker({ ...options, tcp: { host: "127.0.0.1", port: tcp } });
  publishing.child.stdin.end("3\n");
  expect([await publishing.exit, await consuming.exit]).toEqual([0, 0]);
  expect(consuming.text.out).toBe("1\n2\n3\n");
  expect(publishing.text.err).toMatch(/^3 messages published in /);
});
