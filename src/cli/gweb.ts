#!/usr/bin/env node
/** The program `gweb`: the console of all nodes of a registry or an etcd, with gmq's flags and defaults. */
import { readFileSync } from "node:fs";
import { CertificateError } from "../main/certificate-error.js";
import { ListenError } from "../main/listen-error.js";
import { type Certificate, logCertificates, readCertificates } from "../main/ports/certificate.js";
import { browserAddress } from "../main/ports/listening.js";
import { whyUnreadable } from "../main/unreadable.js";
import { EtcdList, GregisterList } from "../registry/administration/index.js";
import { GWEB_FLAGS, gwebSettings } from "./gmq/gweb-settings.js";
import { Settings } from "./gmq/settings.js";
import { goCommand, parseFlags, USAGE } from "./go-flags.js";
import { createLog } from "./log-lines.js";
import { FAILURE, stopOnSignal } from "./server-process.js";
import { standardError } from "./standard-error.js";

const NOTES = `
A flag is -name=value or -name value, with one dash or two. The console shows the nodes that are listed, adds, weighs and
removes them, and each of them as the console of a broker does. Where the registry or the nodes have tokens, you type yours
at the console, which shows it to them; it has no users of its own.

Examples:
  gweb -web_addr=127.0.0.1:8080
      of this machine only, with the registry at http://127.0.0.1:9595
  gweb -web_addr=:8080 -register_addr=http://10.0.0.1:9595
      on all interfaces, with the registry of another machine
  gweb -web_addr=127.0.0.1:8080 -etcd_endpoints=10.0.0.1:2379,10.0.0.2:2379
      the nodes that are in etcd
`;

const command = goCommand({
  name: "gweb",
  description: "Serves the console of all nodes to browsers until it is told to stop.",
  groups: GWEB_FLAGS,
  notes: NOTES,
});

const refuse = (reason: string): never => command.error(`error: ${reason}`, { exitCode: USAGE });

const settings =
  gwebSettings(new Settings(parseFlags(command, process.argv.slice(2)), undefined)) ??
  refuse("-cert_file and -key_file go together: a certificate and its private key");
const { http, etcd, registries, tls, caFile } = settings;
const log = createLog("info", "text", standardError());

/** In words of the flags. */
const inFlags = (text: string): string =>
  text.replaceAll("httpTls.certFile", "-cert_file").replaceAll("httpTls.keyFile", "-key_file");

/** @throws CertificateError when a file cannot be used. */
const readTls = (): Certificate | undefined => {
  const certificates = readCertificates({ tcpTls: undefined, httpTls: tls, grpcTls: undefined });
  logCertificates(certificates, log, new Date());
  return certificates.http;
};

const readCa = (file: string): Buffer => {
  try {
    return readFileSync(file);
  } catch (error) {
    return refuse(`-ca_file must be a PEM file that can be read; ${file} cannot: ${whyUnreadable(error)}`);
  }
};

const reload = (): void => {
  try {
    const certificate = readTls();
    if (certificate === undefined) log.info({}, "SIGHUP: there is nothing to read again");
    else gweb?.renew(certificate);
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    log.error({}, `SIGHUP: the certificate stays as it is: ${inFlags(error.message)}`);
  }
};

const { startGweb } = await import("../gweb/index.js");
let gweb: Awaited<ReturnType<typeof startGweb>> | undefined;
const manager = stopOnSignal({ name: "the console", log, close: async () => gweb?.close(), reload });
const list = etcd.length > 0 ? new EtcdList(etcd) : new GregisterList(registries);
try {
  const nodeCa = caFile === undefined ? undefined : readCa(caFile);
  gweb = await startGweb({ http, list, certificate: readTls(), nodeCa, log });
} catch (error) {
  if (error instanceof CertificateError) refuse(inFlags(error.message));
  if (error instanceof ListenError) command.error(`error: ${error.message}`, { exitCode: FAILURE });
  throw error;
}
const url = `${tls === undefined ? "http" : "https"}://${browserAddress(gweb.address)}/console/`;
process.stdout.write(`gweb shows the nodes of ${list.name}\n  console    ${url}\n`);
manager.ready();
