/**
 * The commands that start the processes of the benchmark, on given CPUs or on any.
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

export interface Command {
  readonly script: string;
  readonly args: readonly string[];
  /** CPUs to run on. Default: any. */
  readonly cpus?: string | undefined;
  /** A directory for CPU profiles, one for each thread, written when the process ends. */
  readonly profile?: string | undefined;
}

/** The program and its arguments. taskset executes its command in the same process, so the process id is right. */
export const nodeCommand = ({ script, args, cpus, profile }: Command): readonly [string, readonly string[]] => {
  const profiling = profile === undefined ? [] : ["--cpu-prof", "--cpu-prof-dir", profile];
  const all = [...profiling, script, ...args];
  return cpus === undefined ? [process.execPath, all] : ["taskset", ["-c", cpus, process.execPath, ...all]];
};
