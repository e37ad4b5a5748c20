/** `ringmq request` and `ringmq respond` as processes. */
import { expect, it } from "vitest";
import { sharedBroker, testBroker } from "./brokers.js";
import { clientOf } from "./clients.js";
import { Shell } from "./shell.js";

const broker = sharedBroker();

const shellHere = (): Shell => new Shell(undefined, { RINGMQ_SERVER: `tcp://127.0.0.1:${broker().tcp}` });

/** Resolves when so many responders are there. */
const responders = async (count: number): Promise<void> => {
  while (broker().broker.usage.responders !== count) await new Promise((resolve) => setTimeout(resolve, 5));
};

it("a command replies with its output; how it fails is told, and it ends when nobody waits for it", async () => {
  const client = await clientOf(broker().tcp);
  const shell = shellHere();
  const responding = shell.program(
    `ringmq respond shout --concurrency 2 --count 5 -- sh -c 'read word; case "$word" in fail) exit 3;; wait) sleep 600 & wait;; *) printf "%s %s %s" "$word" "$RINGMQ_REQUEST_CHANNEL" "$RINGMQ_REQUEST_HEADERS";; esac'`,
  );
  await responders(1);
  expect(await shell.output("printf 'hello\\n' | ringmq request shout --header a=1 --json")).toBe(
    `${JSON.stringify({ body: 'hello shout {"a":"1"}' })}\n`,
  );
  expect(await shell.output("ringmq request shout 'hello\n'")).toBe("hello shout {}\n");
  const failed = shell.program("ringmq request shout fail");
  expect([await failed.exit, failed.text.err]).toEqual([
    1,
    "error: the responder has failed: Error: exit code 3 (RESPONDER_FAILED)\n",
  ]);
  const late = shell.program("ringmq request shout wait --timeout 300ms");
  expect([await late.exit, late.text.err]).toEqual([
    5,
    "error: the responder did not reply in time (REQUEST_TIMEOUT)\n",
  ]);
  expect((await client.request("shout", "last\n")).text()).toBe("last shout {}");
  expect(await responding.exit).toBe(1);
  expect(responding.text.err.split("\n").sort()).toEqual([
    "",
    "a request: exit code 3",
    "a request: nobody waits for the reply any more",
  ]);
  await responders(0);
  const nobody = shell.program("ringmq request shout x");
  expect([await nobody.exit, nobody.text.err]).toEqual([4, "error: nobody responds to the channel (NO_RESPONDER)\n"]);
});

it("a signal lets the command that runs finish; a command that there is not ends the program", async () => {
  const client = await clientOf(broker().tcp);
  const shell = shellHere();
  const responding = shell.program("ringmq respond slow -- sh -c 'read go; echo begun >&2; sleep 1; printf done'");
  await responders(1);
  const reply = client.request("slow", "go\n");
  while (!responding.text.err.includes("begun")) await new Promise((resolve) => setTimeout(resolve, 5));
  responding.child.kill("SIGTERM");
  expect((await reply).text()).toBe("done");
  expect(await responding.exit).toBe(0);

  const wrong = shell.program("ringmq respond wrong -- ./no-such-program");
  await responders(1);
  await expect(client.request("wrong", "")).rejects.toMatchObject({ code: "RESPONDER_FAILED" });
  expect(await wrong.exit).toBe(2);
  expect(wrong.text.err).toContain("cannot be started: there is no such program");
});

it("whoever reads the JSON of ringmq respond closes it: what was done is answered, and the program ends", async () => {
  const client = await clientOf(broker().tcp);
  const responding = shellHere().program("ringmq respond read --json -- cat");
  await responders(1);
  responding.child.stdout?.destroy();
  expect((await client.request("read", "once")).text()).toBe("once");
  expect(await responding.exit).toBe(0);
  await responders(0);
});

it("a program that waits for its input ends when the broker does", async () => {
  const mine = await testBroker();
  const shell = new Shell(undefined, { RINGMQ_SERVER: `tcp://127.0.0.1:${mine.tcp}` });
  const lines = ["ringmq request c", "ringmq publish t --file - --reconnect 0"];
  const programs = lines.map((line) => shell.program(line));
  while (mine.broker.usage.connections !== 2) await new Promise((resolve) => setTimeout(resolve, 5));
  await mine.broker.close();
  for (const { exit, text } of programs) {
    expect(await exit).toBe(3);
    expect(text.err).toContain("(");
  }
});
