#!/usr/bin/env node
/** The program `gregister`: a registry of nodes with gmq's flags, configuration file and defaults. */
import { accessSync, constants, existsSync } from "node:fs";
import { resolve } from "node:path";
import { CertificateError } from "../main/certificate-error.js";
import { ListenError } from "../main/listen-error.js";
import { logCertificates, readCertificates } from "../main/ports/certificate.js";
import { formatAddress } from "../main/ports/listening.js";
import type { Registry, RegistryCertificate } from "../registry/server/index.js";
import { GREGISTER_FLAGS, GREGISTER_KEYS, gregisterSettings } from "./gmq/gregister-settings.js";
import { withKeys } from "./gmq/port-settings.js";
import { prepare } from "./gmq/program-settings.js";
import { goCommand, USAGE } from "./go-flags.js";
import { FAILURE, stopOnSignal } from "./server-process.js";

const NOTES = `
A flag is -name=value or -name value, with one dash or two. Without -token_hash nobody is asked who it is: then listen
beyond this machine only in a network you trust.

Examples:
  gregister
      on http://127.0.0.1:9595, of this machine only
  gregister -http_addr=:9595 -data_save_path=/var/lib/gregister
      on all interfaces, with a list that survives a restart
  gregister -http_addr=:9595 -token_hash=sha256:0f3a...
      nodes, clients and consoles show the token: gnode -register_token, gclient -token, or RINGMQ_TOKEN of their
      environments
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

const { settings, log, flush, noteFailure } = await prepare(command, GREGISTER_KEYS, gregisterSettings, () => ({
  file: "gregister.log",
  directory: ".",
}));

let registry: Registry | undefined;
const { http, directory, tokens, tls, isOfNode } = settings;
const data = directory === undefined ? undefined : resolve(directory);

if (isOfNode) {
  log.warn({ port: http.port }, "the file is one for gnode: the registry listens on the HTTP port of that node");
}

/** @throws CertificateError when a file cannot be used. */
const readTls = (): RegistryCertificate | undefined => {
  const certificates = readCertificates({ tcpTls: undefined, httpTls: tls, grpcTls: undefined });
  logCertificates(certificates, log, new Date());
  return certificates.http?.settings;
};

const reload = (): void => {
  try {
    const certificate = readTls();
    if (certificate === undefined) log.info({}, "SIGHUP: there is nothing to read again");
    else registry?.renewCertificate(certificate);
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    log.error({}, `SIGHUP: the certificate stays as it is: ${withKeys(error.message)}`);
  }
};

/** Why it cannot start, in words that tell what to do; undefined: that is a fault of the program. */
const explain = (error: unknown): string | undefined => {
  if (error instanceof RangeError) return withKeys(error.message);
  if (error instanceof ListenError) return error.message;
  if (!(error instanceof Error && "syscall" in error)) return undefined;
  return `the list cannot be kept in ${data}: ${error.message}`;
};

const { startRegistry } = await import("../registry/server/index.js");
const manager = stopOnSignal({ name: "the registry", log, close: async () => registry?.close(), reload, flush });
try {
  // Now, and not when the first node registers and is refused.
  if (data !== undefined && existsSync(data)) accessSync(data, constants.W_OK);
  registry = await startRegistry({ http, tokens, tls: readTls(), log, data });
} catch (error) {
  const reason = explain(error);
  if (reason === undefined) throw error;
  noteFailure(reason);
  command.error(`error: ${reason}`, { exitCode: error instanceof RangeError ? USAGE : FAILURE });
}
if (registry !== undefined) {
  const { address, port } = registry.address;
  const scheme = tls === undefined ? "http" : "https";
  const url = `${scheme}://${formatAddress({ host: address, port })}`;
  const kept = data === undefined ? "nothing on disk" : `its list in ${data}`;
  log.info({ url, ...(data === undefined ? {} : { data }) }, "the registry listens");
  process.stdout.write(`gregister runs with ${kept}\n  HTTP       ${url}\n`);
  manager.ready();
}
