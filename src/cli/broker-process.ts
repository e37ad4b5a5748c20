/** The process of a broker: starts it, says where it listens, ends it. Shared by `ringmq serve` and `gnode`. */

import { join } from "node:path";
import type { Broker } from "../index.js";
import { PUBLIC_CERTIFICATE } from "../journal/layout.js";
import { CertificateError } from "../main/certificate-error.js";
import { ListenError } from "../main/listen-error.js";
import type { Log } from "../main/log.js";
import { type BrokerOptions, needsClientCertificate, resolveOptions } from "../main/options.js";
import { browserAddress, formatAddress } from "../main/ports/listening.js";
import type { StartProgress } from "../main/progress.js";
import { expectDescriptors } from "../main/shards/descriptors.js";
import { StartError } from "../main/shards/start-error.js";
import { stopOnSignal } from "./server-process.js";
import { plural } from "./units.js";

export interface BrokerProcess {
  readonly options: Partial<Omit<BrokerOptions, "log" | "progress">>;
  readonly log: Log;
  /** Whether a bar on the terminal shows how far a start is. */
  readonly hasBar: boolean;
  /** Ends the process: an option is wrong. */
  readonly refuse: (reason: string) => never;
  /** Says that it runs, and where. Default: in the lines of `ringmq serve`, on standard output. */
  readonly announce?: (broker: Broker) => void;
  /** What is wrong with an option, in the words of this program. */
  readonly explain: (error: RangeError) => string;
  /** Ends the process: the broker cannot start. */
  readonly fail: (reason: string) => never;
  /** What SIGHUP does. Default: it reads the files of certificates again. */
  readonly reload?: (broker: Broker) => void;
  /** The broker listens. What this returns is done before the broker stops. RangeError: an option is wrong after all. */
  readonly started?: (broker: Broker) => () => Promise<void>;
  /** Brings what was logged to where it belongs before the process ends. */
  readonly flush?: () => Promise<void>;
}

export const runBroker = async (given: BrokerProcess): Promise<void> => {
  const { options, log, hasBar, explain, refuse, fail, started, announce = sayPlaces } = given;
  const { reload = (running: Broker) => reloadCertificates(running, given) } = given;
  let progress: StartProgress | undefined;
  let broker: Broker | undefined;
  let retire: (() => Promise<void>) | undefined;
  /** What has changed while it started counts as well. */
  let isToReload = false;
  let isStopping = false;
  const manager = stopOnSignal({
    ...given,
    name: "the broker",
    close: async () => {
      isStopping = true;
      // Safe to interrupt: the next start reads the same journal.
      if (broker === undefined) return progress?.abort();
      await retire?.();
      await broker.close();
    },
    reload: () => {
      if (isStopping) return log.info({}, "SIGHUP: the broker is stopping, and reads nothing again");
      if (broker === undefined) isToReload = true;
      else reload(broker);
    },
  });
  try {
    // What is wrong with them is said before a broker is loaded.
    expectDescriptors(resolveOptions(options));
    if (hasBar) progress = (await import("./progress-bar.js")).barProgress(process.stderr);
    const { startBroker } = await import("../index.js");
    broker = await startBroker({ ...options, log, progress });
  } catch (error) {
    if (error instanceof RangeError) return refuse(explain(error));
    if (!(error instanceof ListenError || error instanceof StartError)) throw error;
    return fail(error.message);
  }
  if (isToReload) reload(broker);
  announce(broker);
  try {
    retire = started?.(broker);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    await broker.close();
    return refuse(explain(error));
  }
  manager.ready();
};

/** What SIGHUP does where a program has nothing else to read again. It must not kill a broker that has none: it is also the signal of a closed terminal. */
const reloadCertificates = (broker: Broker, { log, explain }: BrokerProcess): void => {
  const { tcpTls, httpTls, grpcTls } = broker.options;
  if (tcpTls === undefined && httpTls === undefined && grpcTls === undefined) {
    return log.info({}, "SIGHUP: there is nothing to read again");
  }
  try {
    broker.reload();
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    log.error({}, `SIGHUP: the certificates stay as they are: ${explain(error)}`);
  }
};

/** Lines for people. */
export const say = (lines: readonly string[]): void => void process.stdout.write(`${lines.join("\n")}\n`);

/** Where it listens, by what is there. */
const placesOf = ({ addresses: { tcp, http, grpc, metrics }, options }: Broker) => {
  const { tcpTls, httpTls } = options;
  const s = httpTls === undefined ? "" : "s";
  return {
    tcp: tcp && `${tcpTls === undefined ? "tcp" : "tls"}://${formatAddress(tcp)}`,
    grpc: grpc && formatAddress(grpc),
    metrics: metrics && `http://${formatAddress(metrics)}/metrics`,
    webSocket: http && `ws${s}://${formatAddress(http)}/mq`,
    http: http && `http${s}://${formatAddress(http)}`,
    console: http && options.console ? `http${s}://${browserAddress(http)}/console/` : undefined,
  };
};

/** For a log that programs read: the same in one line of it, since what is none of its lines is noise to them. */
export const logPlaces = (broker: Broker, log: Log): void => {
  const { shards, durability } = broker.options;
  log.info({ shards, durability, ...placesOf(broker) }, "ringmq runs");
};

const sayPlaces = (broker: Broker): void => {
  const { options, addresses } = broker;
  const { shards, data, durability, httpTls, grpcTls } = options;
  const kept = durability === "memory" ? "nothing on disk" : `the data in ${data} (${durability})`;
  const { tcp, grpc, metrics, webSocket, http, console } = placesOf(broker);
  const lines = [`ringmq runs with ${plural(shards, "shard")} and ${kept}`];
  if (tcp !== undefined) lines.push(`  TCP        ${tcp}`);
  if (grpc !== undefined) lines.push(`  gRPC       ${grpc}${grpcTls === undefined ? "" : " (TLS)"}`);
  if (metrics !== undefined) lines.push(`  metrics    ${metrics}`);
  if (http !== undefined) {
    lines.push(`  WebSocket  ${webSocket}`, `  HTTP       ${http}`);
    if (console !== undefined) lines.push(`  console    ${console}`);
    const client = needsClientCertificate(httpTls) ? "--cert client.pem --key client-key.pem " : "";
    const url = `http${httpTls === undefined ? "" : "s"}://127.0.0.1:${addresses.http?.port}/push`;
    // Of a shell's variable, so that a token is not in its history.
    const token = options.users.length === 0 ? "" : '-H "Authorization: Bearer $RINGMQ_TOKEN" ';
    lines.push(
      `try: curl ${authorityFlag(options)}${client}${token}-d 'data={"body":"hello","topic":"greetings"}' ${url}`,
    );
  }
  say(lines);
};

/** What curl checks the certificate by. */
const authorityFlag = ({ httpTls, durability, data }: BrokerOptions): string => {
  if (httpTls === undefined) return "";
  // The authority of a certificate in files is not known here.
  if (httpTls !== "self-signed") return "--cacert ca.pem ";
  return durability === "memory" ? "-k " : `--cacert ${join(data, PUBLIC_CERTIFICATE)} `;
};
