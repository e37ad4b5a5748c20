/** The flags of TLS: one certificate for both ports, or for one of them. */
import { type Command, InvalidArgumentError } from "commander";
import type { BrokerOptions, Tls, TlsFiles } from "../main/options.js";

/** Exit code: wrong usage. */
const USAGE = 2;

const TLS_PORTS = ["tcp", "http", "grpc"] as const;

export type TlsPort = (typeof TLS_PORTS)[number];

export interface TlsFlags {
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  readonly tlsClientCa?: string | undefined;
  readonly tlsSelfSigned?: boolean | undefined;
  readonly tlsPorts?: readonly TlsPort[] | undefined;
}

const isPort = (text: string): text is TlsPort => (TLS_PORTS as readonly string[]).includes(text);

export const parseTlsPorts = (text: string): readonly TlsPort[] => {
  const ports = text.split(",").map((port) => port.trim());
  if (!ports.every(isPort))
    throw new InvalidArgumentError("It must be one or more of tcp, http and grpc, separated by commas.");
  return ports;
};

/** The options that the flags stand for. Ends the program when they contradict each other, or `listens`. */
export const tlsOptions = (
  command: Command,
  { tlsCert, tlsKey, tlsClientCa, tlsSelfSigned, tlsPorts }: TlsFlags,
  listens: Partial<Pick<BrokerOptions, TlsPort>>,
): Partial<Pick<BrokerOptions, "tcpTls" | "httpTls" | "grpcTls">> => {
  const refuse = (text: string): never => command.error(`error: ${text}`, { exitCode: USAGE });
  // gRPC is off unless it is told where to listen.
  const isOff = (port: TlsPort): boolean => (listens[port] ?? (port === "grpc" ? "off" : undefined)) === "off";
  const portsOf = (tls: Tls): Partial<Pick<BrokerOptions, "tcpTls" | "httpTls" | "grpcTls">> => {
    for (const port of tlsPorts ?? []) {
      if (isOff(port)) refuse(`--tls-ports names ${port}, but --${port} is off: leave it out`);
    }
    const has = (port: TlsPort): boolean => !isOff(port) && (tlsPorts ?? TLS_PORTS).includes(port);
    return {
      ...(has("tcp") && { tcpTls: tls }),
      ...(has("http") && { httpTls: tls }),
      ...(has("grpc") && { grpcTls: tls }),
    };
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
    (changed, [option, flag]) => changed.replaceAll(new RegExp(`\\b(?:tcpTls|httpTls|grpcTls)\\.${option}`, "g"), flag),
    text,
  );
