/** What commands of `ringmq` do on a terminal, which `script` is for them; and completion, in a shell that completes. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { testBroker } from "./brokers.js";
import { clientOf } from "./clients.js";
import { Shell } from "./shell.js";

describe("ringmq top", () => {
  /** The second screen and its end, with the cursor back. */
  const ENTER = "\u001b[?1049h\u001b[?25l";
  const LEAVE = "\u001b[?25h\u001b[?1049l";

  it.each([
    { name: "a key", code: 0 },
    { name: "the end of the broker", code: 3 },
  ])("draws on a screen of its own and leaves the terminal as it was: ended by $name", async ({ code }) => {
    const { broker, tcp } = await testBroker();
    const client = await clientOf(tcp);
    await client.publishBatch("watched\u202e", ["a", "b", "c"]);
    const shell = new Shell(undefined, { RINGMQ_SERVER: `127.0.0.1:${tcp}` });
    writeFileSync(
      join(shell.directory, "session"),
      "stty -g > before; ringmq top --interval 100ms --reconnect 0; echo $? > code; stty -g > after",
    );
    const { child, exit, said, text } = shell.program("script -qec 'sh session' /dev/null");
    // The second look is drawn over the first.
    const screen = await said(/pub\/s.*\(all\).*watched\\u202e.*pub\/s/s);
    expect(screen).toMatch(/ 0 +3 +0 +0 +0 +0 {2}watched/);
    if (code === 0) child.stdin.write("q");
    else await broker.close();
    expect(await exit).toBe(0);
    const left = (file: string): string => readFileSync(join(shell.directory, file), "utf8");
    expect(left("code").trim()).toBe(String(code));
    expect(left("after")).toBe(left("before"));
    expect(text.out).toContain(ENTER);
    expect(text.out.slice(text.out.lastIndexOf(ENTER))).toContain(LEAVE);
  });
});

describe("ringmq delete", () => {
  it("asks first at a terminal, and does nothing when the answer is not yes", async () => {
    const { tcp } = await testBroker();
    const client = await clientOf(tcp);
    await client.publish("kept", "x");
    const shell = new Shell(undefined, { RINGMQ_SERVER: `127.0.0.1:${tcp}` });
    const { child, exit, said } = shell.program("script -qec 'ringmq delete kept' /dev/null");
    await said("Delete topic kept? [y/N] ");
    child.stdin.write("n\r");
    expect(await exit).toBe(1);
    expect((await client.stats("kept")).published).toBe(1);
  });
});

describe("ringmq completion", () => {
  it("has bash complete commands, those below them, flags and values", async () => {
    const complete = `complete_line() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ringmq; echo "\${COMPREPLY[*]}"; }`;
    const shell = new Shell();
    writeFileSync(
      join(shell.directory, "session"),
      `source <(ringmq completion bash); ${complete}
complete_line ringmq pu
complete_line ringmq dead ''
complete_line ringmq peek orders --st
complete_line ringmq peek orders --state d
complete_line ringmq channel config --dura
complete_line ringmq publish orders --file 'a b'`,
    );
    // bash itself completes names of files, whatever is in them.
    writeFileSync(join(shell.directory, "a b"), "");
    expect(await shell.output("bash session")).toBe(
      "publish purge\nlist redrive edit purge\n--state\ndelayed dead\n--durability\n\n",
    );
  });
});
