/** `memmq --proxy`. */
import type { ProxySettings } from "./memmq-settings.js";
import type { Program } from "./program.js";

/** Resolves when it listens; the process runs until it is told to stop. */
export const runProxy = async (_settings: ProxySettings, { fail }: Program): Promise<void> =>
  fail("this version has no proxy");
