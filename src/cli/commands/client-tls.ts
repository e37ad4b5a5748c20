/** The flags with which a program connects to a broker over TLS. */
import { readFileSync } from "node:fs";
import { type Command, Option } from "commander";
import type { TlsOptions } from "../../client/index.js";
import { whyUnreadable } from "../../main/unreadable.js";

/** Exit code: wrong usage. */
const USAGE = 2;

export interface ClientTlsFlags {
  readonly tls?: boolean;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsServerName?: string;
}

/** They have no variables: those of the broker stand for its own certificate. */
export const clientTlsFlags = (): Option[] => [
  new Option("--tls", "connects over TLS; the flags below do so too"),
  new Option(
    "--tls-ca <file>",
    "the authority of the broker's certificate, in PEM (default: those that Node.js trusts)",
  ),
  new Option("--tls-cert <file>", "a certificate in PEM for a broker that asks for one"),
  new Option("--tls-key <file>", "the private key of that certificate, in PEM"),
  new Option("--tls-server-name <name>", "the name in the broker's certificate (default: the host of its address)"),
];

/** The options of `connect`; undefined: plain TCP. Ends the program when a file cannot be read. */
export const clientTls = (
  command: Command,
  { tls, tlsCa, tlsCert, tlsKey, tlsServerName: serverName }: ClientTlsFlags,
): TlsOptions | undefined => {
  if (!tls && [tlsCa, tlsCert, tlsKey, serverName].every((flag) => flag === undefined)) return undefined;
  const read = (flag: string, path: string | undefined): string | undefined => {
    try {
      return path === undefined ? undefined : readFileSync(path, "utf8");
    } catch (error) {
      const reason = whyUnreadable(error);
      return command.error(`error: ${flag} must be a PEM file that can be read; ${path} cannot: ${reason}`, {
        exitCode: USAGE,
      });
    }
  };
  return {
    ca: read("--tls-ca", tlsCa),
    cert: read("--tls-cert", tlsCert),
    key: read("--tls-key", tlsKey),
    serverName,
  };
};
