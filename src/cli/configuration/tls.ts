/** The settings of TLS: one certificate for all ports, or for some of them. */
import { InvalidArgumentError } from "commander";
import type { BrokerOptions, Tls } from "../../main/options.js";

const TLS_PORTS = ["tcp", "http", "grpc"] as const;

type TlsPort = (typeof TLS_PORTS)[number];

export interface TlsValues {
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  readonly tlsClientCa?: string | undefined;
  readonly tlsSelfSigned?: boolean | undefined;
  readonly tlsPorts?: readonly TlsPort[] | undefined;
}

type PortOptions = Partial<Pick<BrokerOptions, "tcpTls" | "httpTls" | "grpcTls">>;

const isPort = (text: string): text is TlsPort => (TLS_PORTS as readonly string[]).includes(text);

export const parseTlsPorts = (text: string): readonly TlsPort[] => {
  const ports = text.split(",").map((port) => port.trim());
  if (!ports.every(isPort))
    throw new InvalidArgumentError("It must be one or more of tcp, http and grpc, separated by commas.");
  return ports;
};

/** The certificate that the settings name, if they name one. Those that contradict each other are a fault. */
const certificateOf = (
  { tlsCert, tlsKey, tlsClientCa, tlsSelfSigned, tlsPorts }: TlsValues,
  fault: (text: string) => void,
): Tls | undefined => {
  if (tlsSelfSigned === true) {
    if (tlsCert !== undefined || tlsKey !== undefined) {
      fault("--tls-self-signed makes a certificate: leave it out, or --tls-cert and --tls-key");
    } else if (tlsClientCa !== undefined) {
      fault("--tls-client-ca needs --tls-cert and --tls-key, not --tls-self-signed");
    }
    return "self-signed";
  }
  if (tlsCert !== undefined && tlsKey !== undefined) {
    const files = { certFile: tlsCert, keyFile: tlsKey };
    return tlsClientCa === undefined ? files : { ...files, clientCaFile: tlsClientCa };
  }
  if (tlsCert !== undefined) fault("--tls-cert needs --tls-key, the file with the certificate's private key");
  else if (tlsKey !== undefined) fault("--tls-key needs --tls-cert, the file with the key's certificate");
  else if (tlsClientCa !== undefined) {
    fault("--tls-client-ca needs --tls-cert and --tls-key: without them there is no TLS");
  } else if (tlsPorts !== undefined) {
    fault("--tls-ports needs --tls-cert and --tls-key, or --tls-self-signed: without there is no TLS");
  }
  return undefined;
};

/** The options that the settings stand for. `fault` is told, in flags, what contradicts each other, or `listens`. */
export const tlsOptions = (
  values: TlsValues,
  listens: Partial<Pick<BrokerOptions, TlsPort>>,
  fault: (text: string) => void,
): PortOptions => {
  const { tlsPorts } = values;
  const certificate = certificateOf(values, fault);
  if (certificate === undefined) return {};
  // gRPC is off unless it is told where to listen.
  const isOff = (port: TlsPort): boolean => (listens[port] ?? (port === "grpc" ? "off" : undefined)) === "off";
  for (const port of tlsPorts ?? []) {
    if (isOff(port)) fault(`--tls-ports names ${port}, but --${port} is off: leave it out`);
  }
  const has = (port: TlsPort): boolean => !isOff(port) && (tlsPorts ?? TLS_PORTS).includes(port);
  return {
    ...(has("tcp") && { tcpTls: certificate }),
    ...(has("http") && { httpTls: certificate }),
    ...(has("grpc") && { grpcTls: certificate }),
  };
};
