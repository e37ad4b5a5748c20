/** The flags of TLS: one certificate for both ports, or for one of them. */
import { type Command, InvalidArgumentError } from "commander";
import type { BrokerOptions, Tls, TlsFiles } from "../main/options.js";

/** Exit code: wrong usage. */
const USAGE = 2;

export type TlsPort = "tcp" | "http";

export interface TlsFlags {
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  readonly tlsClientCa?: string | undefined;
  readonly tlsSelfSigned?: boolean | undefined;
  readonly tlsPorts?: readonly TlsPort[] | undefined;
}

const isPort = (text: string): text is TlsPort => text === "tcp" || text === "http";

export const parseTlsPorts = (text: string): readonly TlsPort[] => {
  const ports = text.split(",").map((port) => port.trim());
  if (!ports.every(isPort)) throw new InvalidArgumentError("It must be tcp, http, or tcp,http.");
  return ports;
};

/** The options that the flags stand for. Ends the program when they contradict each other, or `listens`. */
export const tlsOptions = (
  command: Command,
  { tlsCert, tlsKey, tlsClientCa, tlsSelfSigned, tlsPorts }: TlsFlags,
  listens: Partial<Pick<BrokerOptions, TlsPort>>,
): Partial<Pick<BrokerOptions, "tcpTls" | "httpTls">> => {
  const refuse = (text: string): never => command.error(`error: ${text}`, { exitCode: USAGE });
  const portsOf = (tls: Tls): Partial<Pick<BrokerOptions, "tcpTls" | "httpTls">> => {
    for (const port of tlsPorts ?? []) {
      if (listens[port] === "off") refuse(`--tls-ports names ${port}, but --${port} is off: leave it out`);
    }
    const has = (port: TlsPort): boolean => listens[port] !== "off" && (tlsPorts ?? ["tcp", "http"]).includes(port);
    return { ...(has("tcp") && { tcpTls: tls }), ...(has("http") && { httpTls: tls }) };
  };
  if (tlsSelfSigned === true) {
    if (tlsCert !== undefined || tlsKey !== undefined) {
      refuse("--tls-self-signed makes a certificate: leave it out, or --tls-cert and --tls-key");
    }
    if (tlsClientCa !== undefined) refuse("--tls-client-ca needs --tls-cert and --tls-key, not --tls-self-signed");
    return portsOf("self-signed");
  }
  if (tlsCert === undefined || tlsKey === undefined) {
    if (tlsCert !== undefined) refuse("--tls-cert needs --tls-key, the file with the certificate's private key");
    if (tlsKey !== undefined) refuse("--tls-key needs --tls-cert, the file with the key's certificate");
    if (tlsClientCa !== undefined)
      refuse("--tls-client-ca needs --tls-cert and --tls-key: without them there is no TLS");
    if (tlsPorts !== undefined)
      refuse("--tls-ports needs --tls-cert and --tls-key, or --tls-self-signed: without there is no TLS");
    return {};
  }
  return portsOf({
    certFile: tlsCert,
    keyFile: tlsKey,
    ...(tlsClientCa !== undefined && { clientCaFile: tlsClientCa }),
  });
};

const FLAGS: readonly (readonly [keyof TlsFiles, string])[] = [
  ["certFile", "--tls-cert"],
  ["keyFile", "--tls-key"],
  ["clientCaFile", "--tls-client-ca"],
];

/** A broker's error text with flags in the places of its options. */
export const withTlsFlags = (text: string): string =>
  FLAGS.reduce(
    (changed, [option, flag]) => changed.replaceAll(new RegExp(`\\b(?:tcpTls|httpTls)\\.${option}`, "g"), flag),
    text,
  );
