/** The programs of docs/testing.md, run as their readers run them. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { ROOT, readDocument } from "../project/document.js";

const run = promisify(execFile);

const programs = [...readDocument("docs/testing.md").matchAll(/^```js\n(.*?)^```/gms)].map(([, text = ""]) => text);

/** Node.js 20 has `Symbol.asyncDispose`, but not the declaration. */
const closing = (text: string): string =>
  text.replace("await using broker = createTestBroker();", "const broker = createTestBroker();");

it.each(programs.map((text) => [/test\("(.*?)"/.exec(text)?.[1] ?? "", text]))(
  "%s",
  async (name, text) => {
    // In the project's folder, where `ringmq` is this package.
    const args = ["--input-type=module", "--test-reporter=tap", "-e", closing(text)];
    const { NODE_TEST_CONTEXT, ...env } = process.env;
    const { stdout } = await run(process.execPath, args, { cwd: ROOT, timeout: 60_000, env });
    expect(stdout).toContain(`ok 1 - ${name}`);
    expect(stdout).toContain("# fail 0");
  },
  90_000,
);

it("has found them", () => {
  expect(programs).toHaveLength(3);
});
