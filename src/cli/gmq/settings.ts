/** What a program is told: a flag beats the file, and what neither says has a default. */
import { InvalidArgumentError } from "commander";
import { ConfigError } from "../configuration-text.js";
import type { IniFile } from "./ini-file.js";

export class Settings {
  constructor(
    readonly flags: Readonly<Record<string, unknown>>,
    readonly file: IniFile | undefined,
  ) {}

  /**
   * A value by its flag, by its section and key, or by one of them. Flags have been parsed before; `parse` is for the
   * file. An empty value counts as none.
   *
   * @throws ConfigError when the value in the file is wrong.
   */
  value<T>(
    flag: string | undefined,
    key: readonly [string, string] | undefined,
    parse: (text: string) => T,
  ): T | undefined {
    const given = flag === undefined ? undefined : (this.flags[flag] as T | undefined);
    if (given !== undefined && given !== "") return given;
    const text = key && this.file?.get(...key);
    if (key === undefined || text === undefined) return undefined;
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      throw new ConfigError(`${this.file?.path}: [${key[0]}] ${key[1]} = ${text}: ${error.message}`);
    }
  }

  /**
   * A value that others on this machine must not see among the flags, and so has a variable too: a flag beats that, and
   * that the file.
   *
   * @throws ConfigError when the value of the variable or the file is wrong.
   */
  secret<T>(
    flag: string,
    variable: string,
    key: readonly [string, string] | undefined,
    parse: (text: string) => T,
  ): T | undefined {
    const text = process.env[variable] ?? "";
    if (text === "" || (this.flags[flag] ?? "") !== "") return this.value(flag, key, parse);
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      // Without the value, which is to be seen nowhere.
      throw new ConfigError(`${variable}: ${error.message}`);
    }
  }

  /** Whether a flag was given, if only to be empty. */
  has(flag: string): boolean {
    return flag in this.flags;
  }
}
