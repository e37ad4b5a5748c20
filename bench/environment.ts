/**
 * Where a figure was measured: without that it says nothing.
 */
import { readFileSync } from "node:fs";
import { arch, cpus, platform, release, totalmem } from "node:os";
import { projectFile } from "./processes/command.js";

export interface Hardware {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
}

export interface Versions {
  readonly ringmq: string;
  readonly node: string;
  readonly v8: string;
  readonly system: string;
}

export const hardware = (): Hardware => ({
  cpu: cpus()[0]?.model.trim() ?? "unknown",
  cores: cpus().length,
  memoryBytes: totalmem(),
});

export const versions = (): Versions => {
  const manifest = JSON.parse(readFileSync(projectFile("package.json"), "utf8")) as { readonly version: string };
  return {
    ringmq: manifest.version,
    node: process.versions.node,
    v8: process.versions.v8,
    system: `${platform()} ${release()} ${arch()}`,
  };
};
