#!/usr/bin/env node
/** The program `gregister`: a registry of nodes with gmq's flags, configuration file and defaults. */
import { resolve } from "node:path";
import { CertificateError, logCertificates, readCertificates } from "../main/ports/certificate.js";
import { formatAddress, ListenError } from "../main/ports/listen-error.js";
import { type Registry, type RegistryCertificate, startRegistry } from "../registry/server/index.js";
import { withKeys } from "./gmq/gnode-settings.js";
import { goCommand, USAGE } from "./gmq/go-flags.js";
import { GREGISTER_FLAGS, GREGISTER_KEYS, gregisterSettings } from "./gmq/gregister-settings.js";
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

const { http, directory, tls } = settings;

/** Undefined: it serves plain HTTP. CertificateError: a file cannot be used. */
const readTls = (): RegistryCertificate | undefined => {
  const certificates = readCertificates({ tcpTls: undefined, httpTls: tls });
  logCertificates(certificates, log, new Date());
  return certificates.http?.settings;
};

let registry: Registry | undefined;

const reload = (): void => {
  try {
    const renewed = readTls();
    if (renewed === undefined) log.info({}, "SIGHUP: there is nothing to read again");
    else registry?.renewCertificate(renewed);
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    log.error({}, `SIGHUP: the certificate stays as it is: ${withKeys(error.message)}`);
  }
};

stopOnSignal({ name: "the registry", log, close: async () => registry?.close(), reload, flush });
const data = directory === undefined ? {} : { data: resolve(directory) };
try {
  registry = await startRegistry({ http, tls: readTls(), log, ...data });
} catch (error) {
  if (error instanceof RangeError) command.error(`error: ${withKeys(error.message)}`, { exitCode: USAGE });
  if (error instanceof ListenError) command.error(`error: ${error.message}`, { exitCode: FAILURE });
  if (!(error instanceof Error && "syscall" in error)) throw error;
  command.error(`error: the list cannot be kept in ${data.data}: ${error.message}`, { exitCode: FAILURE });
}
if (registry !== undefined) {
  const { address, port } = registry.address;
  const scheme = tls === undefined ? "http" : "https";
  const kept = directory === undefined ? "nothing on disk" : `its list in ${resolve(directory)}`;
  process.stdout.write(
    `gregister runs with ${kept}\n  HTTP       ${scheme}://${formatAddress({ host: address, port })}\n`,
  );
}
