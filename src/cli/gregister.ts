#!/usr/bin/env node
/** The program `gregister`: a registry of nodes with gmq's flags, configuration file and defaults. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { formatAddress, ListenError } from "../main/ports/listen-error.js";
import { type Registry, startRegistry } from "../registry/server/index.js";
import { goCommand, USAGE } from "./gmq/go-flags.js";
import {
  GREGISTER_FLAGS,
  GREGISTER_KEYS,
  type GregisterSettings,
  gregisterSettings,
} from "./gmq/gregister-settings.js";
import { prepare } from "./gmq/program-settings.js";
import { FAILURE, stopOnSignal } from "./server-process.js";

const NOTES = `
A flag is -name=value or -name value, with one dash or two. Nobody is asked for a password: listen beyond this machine
only in a network you trust.

Examples:
  gregister
      on http://127.0.0.1:9595, of this machine only
  gregister -http_addr=:9595 -data_save_path=/var/lib/gregister
      on all interfaces, with a list that survives a restart
  gregister -config_file=conf.ini
      as the file says
  gnode -register_addr=http://127.0.0.1:9595
      a node that registers
  curl http://127.0.0.1:9595/getNodes
      lists the nodes
`;

const command = goCommand({
  name: "gregister",
  description: "Runs a registry: nodes register with it, clients ask it for nodes.",
  groups: GREGISTER_FLAGS,
  notes: NOTES,
});

const { settings, log, flush } = prepare(command, GREGISTER_KEYS, gregisterSettings, () => ({
  file: "gregister.log",
  directory: ".",
}));

/** Ends the process when a file cannot be read. */
const tlsOf = ({ tls }: GregisterSettings) => {
  try {
    return tls && { cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) };
  } catch (error) {
    return command.error(`error: ${(error as Error).message}`, { exitCode: USAGE });
  }
};

let registry: Registry | undefined;
const { http, directory } = settings;
const tls = tlsOf(settings);
stopOnSignal({
  name: "the registry",
  log,
  close: async () => registry?.close(),
  reload: () => {
    if (tls === undefined) log.info({}, "SIGHUP: there is nothing to read again");
    else log.warn({}, "SIGHUP: a new certificate is read at the next start");
  },
  flush,
});
const data = directory === undefined ? {} : { data: resolve(directory) };
try {
  registry = await startRegistry({ http, tls, log, ...data });
} catch (error) {
  const isFile = error instanceof Error && "syscall" in error;
  if (!(error instanceof ListenError || error instanceof RangeError || isFile)) throw error;
  command.error(`error: ${error.message}`, { exitCode: error instanceof RangeError ? USAGE : FAILURE });
}
if (registry !== undefined) {
  const { address, port } = registry.address;
  const scheme = tls === undefined ? "http" : "https";
  const kept = directory === undefined ? "nothing on disk" : `its list in ${resolve(directory)}`;
  process.stdout.write(
    `gregister runs with ${kept}\n  HTTP       ${scheme}://${formatAddress({ host: address, port })}\n`,
  );
}
