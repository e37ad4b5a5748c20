/** `memmq --client` and `memmq -i`. */
import type { ClientSettings } from "./memmq-settings.js";
import type { Program } from "./program.js";

/** Resolves when there is nothing left to do: the process then ends with exit code 0. */
export const runClient = async (_settings: ClientSettings, { fail }: Program): Promise<void> =>
  fail("this version has no client");
