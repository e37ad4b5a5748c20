/** Reading a configuration file, whatever it is written in. */
import { readFileSync } from "node:fs";
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
    const bytes = readFileSync(path);
    if (bytes.length <= MAX_FILE_BYTES) return bytes.toString("utf8").replace(/^\uFEFF/, "");
  } catch (error) {
    throw new ConfigError(`the configuration file ${path} cannot be read: ${whyUnreadable(error)}`);
  }
  throw new ConfigError(`the configuration file ${path} is larger than 1 MiB: it is something else`);
};
