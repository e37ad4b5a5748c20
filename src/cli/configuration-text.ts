/** Reading a configuration file, whatever it is written in. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { whyUnreadable } from "../main/unreadable.js";

/** A configuration is a page of text; whoever names a data file by mistake gets an error and not its parse. */
const MAX_FILE_BYTES = 1024 * 1024;

/** A configuration cannot be used. Its text tells all that is wrong, a line for each fault. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly faults: readonly string[];

  constructor(...faults: readonly string[]) {
    super(faults.join("\n"));
    this.faults = faults;
  }
}

/** @throws ConfigError when it cannot be read, or is too large for what it is said to be. */
export const readConfigurationText = (path: string): string => {
  try {
    const text = readText(path);
    if (text !== undefined) return text.replace(/^\uFEFF/, "");
  } catch (error) {
    throw new ConfigError(`the configuration file ${path} cannot be read: ${whyUnreadable(error)}`);
  }
  throw new ConfigError(`the configuration file ${path} is larger than 1 MiB: it is something else`);
};

/** Undefined: it is too large. */
const readText = (path: string): string | undefined => {
  // A pipe that nobody writes to would be waited for, and a device has no end.
  const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const stat = fstatSync(file);
    if (stat.isDirectory()) throw new Error("it is a directory");
    if (!stat.isFile()) throw new Error("it is not a regular file");
    return stat.size > MAX_FILE_BYTES ? undefined : readFileSync(file, "utf8");
  } finally {
    closeSync(file);
  }
};
