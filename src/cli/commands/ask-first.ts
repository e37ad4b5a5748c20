/** A question before messages are dropped, where there is somebody to ask. */
import { createInterface } from "node:readline/promises";
import { CommandError } from "./broker-command.js";
import { shownName } from "./output.js";

export const YES_FLAG = ["--yes", "does not ask"] as const;

export interface YesFlags {
  readonly yes?: boolean;
}

/** Rejects unless the answer is yes. A script is not asked. */
export const askFirst = async (question: string, yes = false): Promise<void> => {
  if (yes || !process.stdin.isTTY || !process.stderr.isTTY) return;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await Promise.race([
    terminal.question(`${shownName(question)} [y/N] `),
    new Promise<string>((resolve) => terminal.once("close", () => resolve(""))),
  ]);
  terminal.close();
  if (!/^y(?:es)?$/i.test(answer.trim())) throw new CommandError("nothing was done");
};
