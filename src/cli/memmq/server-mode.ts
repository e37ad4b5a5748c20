/** `memmq` without a mode: a server with memmq's defaults. */
import type { Broker } from "../../index.js";
import type { BrokerOptions } from "../../main/options.js";
import { formatAddress } from "../../main/ports/listening.js";
import { runBroker, say } from "../broker-process.js";
import { withMemmqFlags } from "./listening.js";
import type { ServerSettings } from "./memmq-settings.js";
import type { Program } from "./program.js";

/** Resolves when it listens; the process runs until it is told to stop. */
export const runServer = async (settings: ServerSettings, program: Program): Promise<void> => {
  await runBroker({
    options: brokerOptions(settings),
    log: program.log,
    hasBar: process.stderr.isTTY,
    refuse: (reason) => program.refuse(reason),
    explain: ({ message }) => withMemmqFlags(message),
    fail: (reason) => program.fail(withMemmqFlags(reason)),
    announce: (broker) => say(announcement(broker, settings)),
  });
};

const brokerOptions = ({ listen, data, switches }: ServerSettings): Partial<BrokerOptions> => {
  const tls = listen.certificate ?? "self-signed";
  return {
    tcp: "off",
    ...switches,
    ...(listen.transport === "http"
      ? { http: listen.address, httpTls: tls }
      : { http: "off", grpc: listen.address, grpcTls: tls }),
    ...(data === undefined ? { durability: "memory" } : { data, persist: true, mqFiles: "." }),
  };
};

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
