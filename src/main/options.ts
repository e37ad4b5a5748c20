/**
 * What a broker can be told beside its limits: where it listens and writes, what it takes of the machine. Sizes are bytes,
 * times milliseconds.
 */
import os from "node:os";
import { resolve } from "node:path";
import { type BrokerLimits, LIMIT_NAMES, resolveLimits } from "./limits.js";
import { type Log, SILENT } from "./log.js";
import { check, checkKnown, checkNames, checkTimeout, HOST_NAME, OptionError, ORIGIN } from "./option-checks.js";
import type { StartProgress } from "./progress.js";
import { checkUsers, type UserOptions } from "./user-options.js";

export interface Address {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

/** The PEM files that a port needs to speak TLS. */
export interface TlsFiles {
  /** The certificate of the broker, with those between it and its authority behind it. */
  readonly certFile: string;
  /** Its private key, without a passphrase. */
  readonly keyFile: string;
  /** Clients must present a certificate that this authority has signed. Undefined: they need none. */
  readonly clientCaFile?: string | undefined;
}

/**
 * `self-signed`: the broker makes the certificate and keeps it in its data directory; where there is none, in memory.
 * Clients check it by `certificate.pem` of that directory, or not at all.
 */
export type Tls = TlsFiles | "self-signed";

/** `auto`: uWebSockets.js where it can be loaded and clients need no certificate, else `node`. */
export type HttpEngineOption = "auto" | "uws" | "node";

export const HTTP_ENGINES: readonly HttpEngineOption[] = ["auto", "uws", "node"];

export interface BrokerOptions extends BrokerLimits {
  /** Where the native protocol is served. Default 127.0.0.1:9503, since nobody is asked for a password. */
  readonly tcp: Address | "off";
  /** Where HTTP and WebSocket are served. Default 127.0.0.1:9504. */
  readonly http: Address | "off";
  /** Where gRPC (memmq's service mq.MQ) is served. Default off. */
  readonly grpc: Address | "off";
  /**
   * Where `/metrics` is served, with `/healthz` and `/readyz`, in plain HTTP. Default undefined: on the HTTP port, which has the
   * other two in any case. `off`: nowhere.
   */
  readonly metricsAddress: Address | "off" | undefined;
  /** Topics that have series of their own in `/metrics`, the first by their names, 0 to 1,000. Default 0. */
  readonly metricsTopics: number;
  /** Serves the console, a page for people, below `/console/` of the HTTP port. Default true. */
  readonly console: boolean;
  /** Describes the HTTP API at `/openapi.json` of the HTTP port. Default true. */
  readonly openapi: boolean;
  /** With it the TCP port speaks TLS and nothing else. Default: plain TCP. */
  readonly tcpTls: Tls | undefined;
  /** With it the HTTP port speaks HTTPS, and WebSocket over TLS, and nothing else. Default: plain HTTP. */
  readonly httpTls: Tls | undefined;
  /** With it the gRPC port speaks TLS and nothing else. Default: plain HTTP/2. */
  readonly grpcTls: Tls | undefined;
  /** What serves HTTP: uWebSockets.js (`uws`), `node:http` and ws (`node`), or what there is (`auto`, the default). */
  readonly httpEngine: HttpEngineOption;
  /**
   * The directory of the journal, made when it is not there; one broker has it at a time. Default: `ringmq-data` in the
   * working directory. Not touched when `durability` is `memory`.
   */
  readonly data: string;
  /**
   * Free bytes of the data directory's file system below which publishes are refused, so that acks and deletions still
   * have room; above 1.25 times as many they are taken again. Default 256 MiB.
   */
  readonly diskReserve: number;
  /** Threads that own messages, 1 to 256. Default: one per core but one, at least 1. */
  readonly shards: number;
  /** Capacity of each ring, a power of two. */
  readonly ringBytes: number;
  /** Fewer where the limit of open files leaves room for fewer: of a broker that runs, as many as it lets in. */
  readonly maxConnections: number;
  /** Of TCP and WebSocket, for each address (an IPv6 network of 64 bits is one). Default: 60 % of `maxConnections`. */
  readonly maxConnectionsPerAddress: number;
  /**
   * A directory of files for those who read files: `<channel>.mq` has the messages of a kept channel, a line of JSON for
   * each, about a second behind. Default: none.
   */
  readonly mqFiles: string | undefined;
  /** How long a connection may take to say HELLO. Up to 2^53 or Infinity. */
  readonly helloTimeout: number;
  /**
   * How long a shard's thread may go without getting on before it is replaced. Up to 2^53 or Infinity, which is for a
   * debugger. Default 10 s.
   */
  readonly shardTimeout: number;
  /** How long `close` waits for what is under way before it cuts it off. Up to 2^53 or Infinity. */
  readonly closeTimeout: number;
  /**
   * Whether a client may have the broker write a backup though it listens for other machines. Default false: then only
   * where all that listens is of this machine.
   */
  readonly allowBackup: boolean;
  /**
   * Origins whose pages may use HTTP and WebSocket, such as `https://console.example`; `*` for all. Default: none but the
   * broker's own.
   */
  readonly allowOrigin: readonly string[];
  /**
   * Names that `Host` may have beside addresses and `localhost`. Where the port is open to other machines it may have
   * any unless there are some here. Default: none.
   */
  readonly allowHost: readonly string[];
  /**
   * Who may use the broker, and for what: every client then has to show a token or a certificate of one of them. Default: none, and
   * nobody is asked. `Broker.reload` changes them while the broker runs.
   */
  readonly users: readonly UserOptions[];
  /**
   * The name of a user: clients of gmq's two TCP protocols, which have no tokens, are this one unless a certificate tells who they
   * are. Default: none, and where there are users these clients are refused.
   */
  readonly gmqIdentity: string | undefined;
  /**
   * Makes spans of what is part of a sampled trace, by `traceparent` in the headers of messages, and sends them by OpenTelemetry's
   * packages, which have to be installed. Its variables, such as `OTEL_EXPORTER_OTLP_ENDPOINT`, say where. Default false.
   */
  readonly trace: boolean;
  /** Default: silent. */
  readonly log: Log;
  /** Told how far a start is that has a journal to read. Default: lines in the log. */
  readonly progress: StartProgress | undefined;
}

export const DEFAULT_HOST = "127.0.0.1";
export const DEFAULT_TCP_PORT = 9503;
export const DEFAULT_HTTP_PORT = 9504;

/** The request window keeps a request's shard in a byte. */
const MAX_SHARDS = 256;

/** An eighth of the ring is the largest record: what one read of a socket brings must not need fragments. */
const MIN_RING_BYTES = 64 * 1024;
const MAX_RING_BYTES = 2 ** 30;

/** Thirteen series each: more would cost Prometheus more than they tell. */
const MAX_METRICS_TOPICS = 1_000;

const defaults = {
  tcp: { host: DEFAULT_HOST, port: DEFAULT_TCP_PORT },
  http: { host: DEFAULT_HOST, port: DEFAULT_HTTP_PORT },
  grpc: "off",
  metricsAddress: undefined,
  metricsTopics: 0,
  console: true,
  openapi: true,
  tcpTls: undefined,
  httpTls: undefined,
  grpcTls: undefined,
  httpEngine: "auto",
  data: "ringmq-data",
  // Room for a segment that is made ahead in two shards, and for others who write to the same disk.
  diskReserve: 256 * 1024 * 1024,
  // Work for about a millisecond at 3 GB/s, which is the time that either side may be away; an eighth of it, the largest
  // record that is not fragmented, takes any read of a socket. Twice this is no faster, and leaves the cache.
  ringBytes: 4 * 1024 * 1024,
  // A connection costs the main thread about 10 KiB: 100 MB of them.
  maxConnections: 10_000,
  mqFiles: undefined,
  // Long for a machine, short for a person who found the port by chance.
  helloTimeout: 10_000,
  // Far beyond what any request takes, and below what clients commonly wait for an answer.
  shardTimeout: 10_000,
  // Service managers commonly kill after 10 s; what is left is for cutting off.
  closeTimeout: 8_000,
  allowBackup: false,
  allowOrigin: [],
  allowHost: [],
  users: [],
  gmqIdentity: undefined,
  trace: false,
  log: SILENT,
  progress: undefined,
} as const;

/** Those whose defaults depend on others. */
const derived = {
  shards: true,
  maxConnectionsPerAddress: true,
} as const satisfies Record<Exclude<keyof BrokerOptions, keyof BrokerLimits | keyof typeof defaults>, true>;

const OPTION_NAMES: readonly string[] = [...Object.keys(defaults), ...Object.keys(derived), ...LIMIT_NAMES];

/** Of fewer connections nobody has a share: whoever allows so few knows their clients. */
export const MIN_SHARED_CONNECTIONS = 100;

/** With the share of plain HTTP (server.ts) a tenth of the connections is left to others, whoever takes what it can. */
const addressShare = (maxConnections: number): number =>
  maxConnections < MIN_SHARED_CONNECTIONS ? maxConnections : Math.floor(maxConnections * 0.6);

/** Half of the memory that this process may use. */
const halfOfMemory = (): number => {
  const machine = os.totalmem();
  const constrained = process.constrainedMemory() ?? 0;
  return Math.floor((constrained > 0 && constrained < machine ? constrained : machine) / 2);
};

/** Whoever leaves out the host would listen on all interfaces. */
const isAddress = (given: unknown): given is Address => {
  const { host, port } = Object(given) as { readonly [K in keyof Address]?: unknown };
  return typeof host === "string" && host !== "" && port !== undefined;
};

const checkAddress = (name: string, address: Address | "off"): void => {
  if (address === "off") return;
  if (!isAddress(address)) {
    throw new OptionError(name, `must be { host, port } or "off"; it is ${JSON.stringify(address)}`);
  }
  check(`the port of ${name}`, address.port, 0, 65_535);
};

/** With full paths: the working directory may change before the files are read again. */
const resolveTls = (name: "tcpTls" | "httpTls" | "grpcTls", given: Tls | undefined): Tls | undefined => {
  if (given === undefined || given === "self-signed") return given;
  const path = (file: keyof TlsFiles): string => {
    const value = given[file];
    if (typeof value === "string" && value !== "" && !value.includes("\0")) return resolve(value);
    throw new OptionError(`${name}.${file}`, `must be the path of a PEM file; it is ${JSON.stringify(value)}`);
  };
  const files = { certFile: path("certFile"), keyFile: path("keyFile") };
  return given.clientCaFile === undefined ? files : { ...files, clientCaFile: path("clientCaFile") };
};

/** Throws RangeError: nobody has the name. */
export const checkIdentity = (name: string | undefined, users: readonly UserOptions[]): void => {
  if (name === undefined || users.some((user) => user.name === name)) return;
  throw new OptionError("gmqIdentity", `must be the name of one of the users; it is ${JSON.stringify(name)}`);
};

/** Whether a port lets in only those that show a certificate of their own. */
export const needsClientCertificate = (tls: Tls | undefined): boolean =>
  tls !== undefined && tls !== "self-signed" && tls.clientCaFile !== undefined;

/** Fills in the defaults. RangeError: there is no such option, or one is out of its range, or contradicts another. */
export const resolveOptions = (given: Partial<BrokerOptions> = {}): BrokerOptions => {
  checkKnown(given, OPTION_NAMES);
  const memory = given.memory ?? halfOfMemory();
  const shards = given.shards ?? Math.max(1, os.availableParallelism() - 1);
  check("shards", shards, 1, MAX_SHARDS);
  const options: BrokerOptions = {
    ...defaults,
    maxConnectionsPerAddress: addressShare(given.maxConnections ?? defaults.maxConnections),
    ...given,
    ...resolveLimits({ ...given, memory }, shards),
    shards,
    // The working directory may change while the broker runs.
    data: resolve(given.data ?? defaults.data),
    tcpTls: resolveTls("tcpTls", given.tcp === "off" ? undefined : given.tcpTls),
    httpTls: resolveTls("httpTls", given.http === "off" ? undefined : given.httpTls),
    grpc: given.grpc ?? defaults.grpc,
    grpcTls: resolveTls("grpcTls", (given.grpc ?? "off") === "off" ? undefined : given.grpcTls),
    mqFiles: given.mqFiles === undefined ? undefined : resolve(given.mqFiles),
    allowOrigin: checkNames("allowOrigin", given.allowOrigin ?? [], ORIGIN, "https://console.example, or *"),
    allowHost: checkNames("allowHost", given.allowHost ?? [], HOST_NAME, "broker.example, without a port"),
  };
  checkAddress("tcp", options.tcp);
  checkAddress("http", options.http);
  checkAddress("grpc", options.grpc);
  checkAddress("metricsAddress", options.metricsAddress ?? "off");
  if (!HTTP_ENGINES.includes(options.httpEngine)) {
    throw new OptionError("httpEngine", `must be auto, uws or node; it is ${options.httpEngine}`);
  }
  if (options.httpEngine === "uws" && needsClientCertificate(options.httpTls)) {
    throw new OptionError(
      "httpEngine",
      "must be node or auto where clients need a certificate (httpTls.clientCaFile): " +
        "uWebSockets.js lets in those that present none; it is uws",
    );
  }
  if (given.data === "") throw new OptionError("data", "must be the path of a directory; it is empty");
  if (options.data.includes("\0")) {
    throw new OptionError("data", `must be the path of a directory; ${JSON.stringify(given.data)} has a NUL in it`);
  }
  check("metricsTopics", options.metricsTopics, 0, MAX_METRICS_TOPICS);
  check("diskReserve", options.diskReserve, 0, Number.MAX_SAFE_INTEGER);
  check("ringBytes", options.ringBytes, MIN_RING_BYTES, MAX_RING_BYTES);
  if (!Number.isInteger(Math.log2(options.ringBytes))) {
    throw new OptionError("ringBytes", `must be a power of two; it is ${options.ringBytes}`);
  }
  check("maxConnections", options.maxConnections, 1, 2 ** 20);
  check("maxConnectionsPerAddress", options.maxConnectionsPerAddress, 1, 2 ** 20);
  checkTimeout("helloTimeout", options.helloTimeout, 1);
  checkTimeout("shardTimeout", options.shardTimeout, 100);
  checkTimeout("closeTimeout", options.closeTimeout, 0);
  checkUsers(options.users);
  checkIdentity(options.gmqIdentity, options.users);
  return options;
};
