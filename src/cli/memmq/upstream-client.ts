/** The client of the servers that flags name, for a client and for a proxy. */
import { readFileSync } from "node:fs";
import { whyUnreadable } from "../../main/unreadable.js";
import { createClient, type MemmqClient, type ServerStatus } from "../../memmq-client/index.js";
import type { UpstreamSettings } from "./memmq-settings.js";
import type { Program } from "./program.js";

/** Ends the process when a flag is not what it may be. */
export const upstreamClient = (
  settings: UpstreamSettings,
  program: Program,
  onStatus: (status: ServerStatus) => void,
): MemmqClient => {
  const { servers, select, resolver, retries, transport, token, verify, caFile } = settings;
  const insecure = !verify && caFile === undefined;
  if (insecure && servers.some((server) => !server.startsWith("http://"))) {
    program.log.warn({}, "certificates of servers are not checked: --verify does, or --ca_file with the one to trust");
  }
  const ca = caFile === undefined ? undefined : readCa(caFile, program);
  try {
    return createClient({
      servers,
      selector: select,
      resolver,
      retries,
      transport,
      insecure,
      ...(token !== undefined && { token }),
      ...(ca !== undefined && { ca }),
      onStatus,
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    // The client's option in words of the flag.
    return program.refuse(reason.replace(/^ca must be .*/, `--ca_file: ${caFile} has no certificate in PEM`));
  }
};

const readCa = (file: string, program: Program): Buffer => {
  try {
    return readFileSync(file);
  } catch (error) {
    return program.refuse(`--ca_file must be a PEM file that can be read; ${file} cannot: ${whyUnreadable(error)}`);
  }
};

/** What the client advises, in words of the flags. */
export const inFlags = (text: string): string =>
  text.replaceAll("as ca, or say insecure", "with --ca_file, or leave --verify out");

/**
 * Lines of a log about servers: one when a server is lost and one when it is back, not one for each try.
 */
export const statusLines = (
  warn: (text: string) => void,
  info: (text: string) => void,
): ((status: ServerStatus) => void) => {
  const lost = new Set<string>();
  const unknown = new Set<string>();
  return (status) => {
    switch (status.type) {
      case "subscribed":
        if (lost.delete(status.server)) info(`${status.server} is back`);
        return;
      case "lost":
        if (lost.has(status.server)) return;
        lost.add(status.server);
        return warn(`${inFlags(status.error.message)}; it is tried again`);
      case "listed":
        unknown.clear();
        for (const server of [...lost]) if (!status.servers.includes(server)) lost.delete(server);
        return;
      case "list-failed":
        if (unknown.has(status.name)) return;
        unknown.add(status.name);
        return warn(`${status.error.message}; it is tried again`);
    }
  };
};
