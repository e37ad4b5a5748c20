/** `memmq` without a mode: a server with memmq's defaults. */
import type { Broker } from "../../index.js";
import type { BrokerOptions } from "../../main/options.js";
import { formatAddress } from "../../main/ports/listen-error.js";
import { runBroker } from "../broker-process.js";
import { barProgress } from "../progress-bar.js";
import type { ListenSettings, ServerSettings } from "./memmq-settings.js";
import type { Program } from "./program.js";

/** Resolves when it listens; the process runs until it is told to stop. */
export const runServer = async (settings: ServerSettings, program: Program): Promise<void> => {
  warnOfOpenPort(settings.listen, program);
  await runBroker({
    options: brokerOptions(settings),
    log: program.log,
    progress: process.stderr.isTTY ? barProgress(process.stderr) : undefined,
    refuse: (error) => program.refuse(withMemmqFlags(error.message)),
    explain: withMemmqFlags,
    fail: (reason) => program.fail(withMemmqFlags(reason)),
    announcement: (broker) => announcement(broker, settings),
  });
};

const brokerOptions = ({ listen, data }: ServerSettings): Partial<BrokerOptions> => {
  const tls = listen.certificate ?? "self-signed";
  return {
    tcp: "off",
    ...(listen.transport === "http"
      ? { http: listen.address, httpTls: tls }
      : { http: "off", grpc: listen.address, grpcTls: tls }),
    ...(data === undefined ? { durability: "memory" } : { data, persist: true, mqFiles: "." }),
  };
};

/** A broker's error text with flags in the places of its options. */
export const withMemmqFlags = (text: string): string =>
  text
    .replaceAll(/\b(?:http|grpc)Tls\.certFile/g, "--cert_file")
    .replaceAll(/\b(?:http|grpc)Tls\.keyFile/g, "--key_file");

const announcement = ({ addresses: { http, grpc } }: Broker, { data }: ServerSettings): readonly string[] => {
  const kept = data === undefined ? "messages in memory" : `messages in ${data} and in <topic>.mq`;
  if (grpc !== undefined) return [`memmq runs with ${kept}`, `  gRPC       ${formatAddress(grpc)}, over TLS`];
  if (http === undefined) return [`memmq runs with ${kept}`];
  const url = `https://${formatAddress(http)}`;
  // By the name of this machine that every certificate of the broker's own has.
  const here = `https://localhost:${http.port}`;
  return [
    `memmq runs with ${kept}`,
    `  HTTP       ${url}`,
    `  WebSocket  ${url.replace("http", "ws")}`,
    `try: curl -k -N '${here}/sub?topic=example'`,
    `     curl -k -d 'any message' '${here}/pub?topic=example'`,
  ];
};

/** Says so where others than this machine can reach it. */
export const warnOfOpenPort = ({ address: { host, port } }: ListenSettings, { log }: Program): void => {
  if (host !== "::") return;
  log.warn(
    {},
    `it listens on all interfaces and asks nobody for a password: --address=localhost:${port} is for this machine only`,
  );
};
