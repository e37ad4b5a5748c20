/**
 * Kills the processes that the benchmark started when it ends, in whatever way.
 */
import type { ChildProcess } from "node:child_process";

const children = new Set<ChildProcess>();

export const adopt = (child: ChildProcess): void => {
  children.add(child);
  child.once("exit", () => children.delete(child));
};

process.once("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

// The shell's exit codes for programs that a signal has ended.
process.once("SIGINT", () => process.exit(130));
process.once("SIGTERM", () => process.exit(143));
