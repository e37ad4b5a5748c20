/**
 * How the processes of the benchmark are started: on given CPUs, or where the kernel likes.
 */
import { fileURLToPath } from "node:url";

/** CPU lists as taskset takes them. */
export interface Pin {
  readonly broker: string;
  readonly load: string;
}

/** The checkout's root: this file is built to build/bench/processes/. */
export const projectFile = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

export const builtFile = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** The program and arguments that run a Node.js script on the CPUs of `cpus`. taskset becomes the process it starts. */
export const nodeCommand = (
  script: string,
  args: readonly string[],
  cpus: string | undefined,
): readonly [string, readonly string[]] =>
  cpus === undefined
    ? [process.execPath, [script, ...args]]
    : ["taskset", ["-c", cpus, process.execPath, script, ...args]];
