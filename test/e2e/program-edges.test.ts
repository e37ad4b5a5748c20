/** The commands of `ringmq` that are clients of a broker at their edges: outputs that take no more, inputs that are odd, text that would control a terminal. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Client } from "../../src/client/client.js";
import { sharedBroker, testBroker } from "./brokers.js";
import { clientOf } from "./clients.js";
import { Shell } from "./shell.js";

const broker = sharedBroker();

const here = async (): Promise<{ readonly shell: Shell; readonly client: Client }> => ({
  shell: new Shell(undefined, { RINGMQ_SERVER: `tcp://127.0.0.1:${broker().tcp}` }),
  client: await clientOf(broker().tcp),
});

/** What a command says to standard error, and its exit code in the last line. */
const fault = (shell: Shell, line: string): Promise<string> => shell.output(`(${line}; echo "exit $?" >&2) 2>&1`);

describe("an output that takes no more", () => {
  it.each([
    "stat full",
    "topics --json",
    "publish full x",
    "pop full --ack",
    "consume full --count 1",
    "completion bash",
  ])("because its disk is full is one line, and exit code 1: %s", async (command) => {
    const { shell, client } = await here();
    await client.publish("full", "x");
    expect(await fault(shell, `ringmq ${command} > /dev/full`)).toMatch(
      /^error: standard output cannot be written: .*ENOSPC.*\nexit 1\n$/,
    );
    expect((await client.stats("full")).acked).toBe(0);
  });

  it("takes a part of what it is given: nothing of that is acked", async () => {
    const { shell, client } = await here();
    await client.publish("partly", new Uint8Array(4_000).fill(120));
    const line = "(trap '' XFSZ; ulimit -f 1; ringmq consume partly --count 1 > out)";
    expect(await fault(shell, line)).toMatch(/^error: standard output cannot be written: .*EFBIG.*\nexit 1\n$/);
    expect(readFileSync(join(shell.directory, "out")).length).toBeGreaterThan(0);
    expect((await client.stats("partly")).acked).toBe(0);
  });

  it("is not the fault of the command that work runs", async () => {
    const { shell, client } = await here();
    await client.publishBatch("worked", ["a", "b"]);
    const work = "ringmq work worked --count 1 --json -- true";
    expect(await fault(shell, `${work} > /dev/full`)).toMatch(/^error: standard output cannot be written.*\nexit 1\n$/);
    expect(await shell.output(`{ ${work}; echo "exit $?" > code; } | exec 0<&-; cat code`)).toBe("exit 0\n");
    expect((await client.stats("worked")).acked).toBe(2);
  });

  it("is an error of the completion no more than of another command when its reader goes", async () => {
    const { shell } = await here();
    expect(await shell.output('{ ringmq completion zsh 2>&2; echo "exit $?" > code; } | exec 0<&-; cat code')).toBe(
      "exit 0\n",
    );
  });

  it("does not change what became of the messages when it is standard error", async () => {
    const { shell, client } = await here();
    expect(await shell.output('echo a | ringmq publish unheard 2> /dev/full; echo "exit $?"')).toBe("exit 0\n");
    expect(await shell.output('ringmq stat no-such-topic 2> /dev/full; echo "exit $?"')).toBe("exit 4\n");
    expect(await shell.output('ringmq work unheard --count 1 -- false 2> /dev/full; echo "exit $?"')).toBe("exit 1\n");
    expect((await client.stats("unheard")).queues[0]?.ready).toBe(1);
  });
});

describe("an input that is none", () => {
  it.each([
    "publish odd < .",
    "publish odd --file - < .",
    "publish odd --file . --lines",
    "publish odd --file nowhere --lines",
  ])("is exit code 2, and no message: %s", async (command) => {
    const { shell, client } = await here();
    await client.configure("odd", {});
    expect(await fault(shell, `ringmq ${command}`)).toMatch(/error: .* cannot be read: .*\nexit 2\n$/);
    expect((await client.stats("odd")).published).toBe(0);
  });

  it.each([
    [
      "a body that is nested absurdly",
      `{"body":${"[".repeat(200_000)}${"]".repeat(200_000)}}`,
      "its body is nested too deeply",
    ],
    ["bytes that are no UTF-8", Buffer.from('{"body":"\xff"}', "latin1"), "it is no UTF-8"],
    ["headers that are no object", '{"body":"x","headers":5}', "headers must be an object"],
    ["headers that are a list", '{"body":"x","headers":["a"]}', "headers must be an object"],
  ])("is a JSON line with %s", async (_, line, why) => {
    const { shell } = await here();
    writeFileSync(join(shell.directory, "lines"), line);
    const said = await fault(shell, "ringmq publish json-lines --json-lines --file lines");
    expect(said).toMatch(new RegExp(`error: 1 of 1 messages were not published, line 1: ${why}\\nexit 2\\n$`));
  });
});

it.each(["constructor", "__proto__", "toString"])("a word that every object has is no command: %s", async (word) => {
  const { shell } = await here();
  expect(await fault(shell, `ringmq ${word}`)).toBe(`error: unknown command '${word}'\nexit 2\n`);
});

/** Up to 200 it publishes one at a time. */
const benchPublished = async (client: Client): Promise<number> => {
  for await (const topic of client.topics()) if (topic.name.startsWith("ringmq-bench")) return topic.published;
  return 0;
};

it("bench ends at a signal while it publishes, and deletes its topic", async () => {
  const { shell, client } = await here();
  const { child, exit, text } = shell.program("ringmq bench --messages 100000000");
  while ((await benchPublished(client)) < 1_000) await setTimeout(50);
  child.kill("SIGTERM");
  expect([await exit, text.err]).toEqual([1, "error: stopped before it was through\n"]);
  for await (const { name } of client.topics()) expect(name).not.toMatch(/^ringmq-bench/);
});

it("bench ends when the broker goes while it publishes", async () => {
  const { broker: mortal, tcp } = await testBroker();
  const client = await clientOf(tcp);
  const shell = new Shell(undefined, { RINGMQ_SERVER: `tcp://127.0.0.1:${tcp}` });
  const { exit, text } = shell.program("ringmq bench --messages 100000000");
  while ((await benchPublished(client)) < 1_000) await setTimeout(50);
  await mortal.close();
  expect(await exit).toBe(3);
  expect(text.err).toMatch(/^error: .* messages were not published, .*\((?:SHUTTING_DOWN|CONNECTION_CLOSED)\)\n$/);
});

it("work tells that a program without a name cannot be started, and leaves the message", async () => {
  const { shell, client } = await here();
  await client.publish("nameless", "x");
  expect(await fault(shell, "ringmq work nameless -- ''")).toMatch(/^error: {2}cannot be started: .*\nexit 2\n$/);
  expect((await client.stats("nameless")).queues[0]?.ready).toBe(1);
});

describe("on a terminal", () => {
  // C1: ESC [ as one character. Bidirectional: what follows is shown backwards.
  const CONTROLS = ["\u009b", "\u202e", "\u001b[31m"];

  it.each([
    "peek wild --json",
    "consume wild --count 1 --json",
    "stat 'no\u202etopic'",
    "publish x --json-lines --file lines",
  ])("nothing that others have written controls it: %s", async (command) => {
    const { shell, client } = await here();
    await client.publish("wild", "\u009b31m\u202e", { headers: { "\u009b": "\u202e" } });
    writeFileSync(join(shell.directory, "lines"), '\u001b[31m{\n{"\u009b":1}\n');
    const screen = await shell.output(`script -qec "ringmq ${command}" /dev/null`);
    expect(screen).toMatch(/\\u0(?:09b|01b)|\\u202e/);
    for (const control of CONTROLS) expect(screen).not.toContain(control);
  });
});

describe("messages that are named", () => {
  it("are cancelled, put off and made ready by their ids and by their keys; exit code 4 when one is not there", async () => {
    const { shell, client } = await here();
    const publish = (key: string) => client.publish("jobs", key, { delay: 3_600_000, key });
    const [a, b] = [await publish("a"), await publish("b"), await publish("c")];
    const wanted = [
      [`ringmq cancel jobs ${a.id}`, "1 message cancelled\nexit 0\n"],
      [
        "ringmq reschedule jobs 2h --message-key b --message-key nope",
        /^1 message rescheduled\nerror: 1 of 2 .* nope .*\nexit 4\n$/,
      ],
      ["ringmq run-now jobs --message-key c", "1 message made ready\nexit 0\n"],
      ["ringmq peek jobs --message-key c --json", /^{"id":"\d+",.*"state":"ready".*}\nexit 0\n$/],
      ["ringmq peek jobs --message-key a", /^error: topic jobs has no message with the key a\nexit 4\n$/],
      [`ringmq cancel jobs ${b.id} --message-key b`, /^error: .*--message-key\nexit 2\n$/],
    ] as const;
    const said = await fault(shell, wanted.map(([line]) => `${line}; echo "exit $?"`).join("; "));
    const parts = said.split(/(?<=exit \d\n)/);
    for (const [i, [line, pattern]] of wanted.entries()) expect(parts[i], line).toMatch(pattern);
    const time = (await client.lookup("jobs", b.id))?.copies[0].time ?? 0;
    expect(time - Date.now()).toBeGreaterThan(3_700_000);
  });

  it.each(["", " --count 0", " --group"])(
    "exit code 4 when there is no such topic or queue: dead list%s",
    async (flags) => {
      const { shell, client } = await here();
      await client.publish("some", "x");
      expect(await fault(shell, `ringmq dead list nope${flags}`)).toMatch(/\(NO_TOPIC\)\nexit 4\n$/);
      expect(await fault(shell, `ringmq dead list some --queue nope${flags}`)).toMatch(/\(NO_QUEUE\)\nexit 4\n$/);
    },
  );
});
