#!/usr/bin/env node
/** The program `memmq`: a message broker, a proxy or a client with memmq's flags and defaults. */
import { TOKEN_VARIABLE } from "./environment.js";
import { goCommand, parseFlags, USAGE } from "./go-flags.js";
import { MEMMQ_FLAGS, MEMMQ_NOTES } from "./memmq/memmq-flags.js";
import { FlagsError, type GivenFlags, type MemmqSettings, memmqSettings } from "./memmq/memmq-settings.js";
import type { Program } from "./memmq/program.js";
import { FAILURE } from "./server-process.js";

const command = goCommand({
  name: "memmq",
  description: "Runs a message broker, or a proxy before several, until it is told to stop; or is their client.",
  groups: MEMMQ_FLAGS,
  notes: MEMMQ_NOTES,
  dashes: 2,
});

const flags = parseFlags(command, process.argv.slice(2)) as GivenFlags;
const { createLog } = await import("./log-lines.js");
const { standardError } = await import("./standard-error.js");
const program: Program = {
  log: createLog(flags.log_level || "info", "text", standardError()),
  refuse: (reason) => command.error(`error: ${reason}`, { exitCode: USAGE }),
  fail: (reason) => command.error(`error: ${reason}`, { exitCode: FAILURE }),
};

const settingsOf = (given: GivenFlags): MemmqSettings => {
  try {
    return memmqSettings(given, process.env[TOKEN_VARIABLE]);
  } catch (error) {
    if (error instanceof FlagsError) return program.refuse(error.message);
    throw error;
  }
};

const settings = settingsOf(flags);
if (settings.mode === "server") await (await import("./memmq/server-mode.js")).runServer(settings, program);
else if (settings.mode === "proxy") await (await import("./memmq/proxy-mode.js")).runProxy(settings, program);
else await (await import("./memmq/client-mode.js")).runClient(settings, program);
