/**
 * What a broker can be told, the defaults, and why each number is what it is. Sizes are bytes, times milliseconds.
 */
import os from "node:os";
import { resolve } from "node:path";
import { MAX_NODE_ID } from "../protocol/id.js";
import {
  DEFAULT_HISTORY,
  DEFAULT_HISTORY_BYTES,
  DEFAULT_HISTORY_IDLE,
  DEFAULT_RETRIES,
  DEFAULT_TTR,
  MAX_BATCH_MESSAGES,
  MAX_DELAY,
  MAX_FRAME_BYTES,
  MAX_HISTORY,
  MAX_HISTORY_BYTES,
  MAX_IN_FLIGHT,
  MAX_MESSAGE_BYTES,
  MAX_NAME_BYTES,
  MAX_RETRIES,
} from "../protocol/limits.js";
import { Durability } from "../protocol/op.js";
import { type Log, SILENT } from "./log.js";
import { check, checkNames, checkTimeout, HOST_NAME, ORIGIN, OutOfRangeError } from "./option-checks.js";
import type { StartProgress } from "./progress.js";

export type DurabilityName = keyof typeof Durability;

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

export interface BrokerOptions {
  /** Where the native protocol is served. Default 127.0.0.1:9503, since nobody is asked for a password. */
  readonly tcp: Address | "off";
  /** Where HTTP and WebSocket are served. Default 127.0.0.1:9504. */
  readonly http: Address | "off";
  /** Where gRPC (memmq's service mq.MQ) is served. Default off. */
  readonly grpc: Address | "off";
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
   * What a confirm waits for where a topic does not say otherwise: `fsync`, the disk; `write`, the system, which keeps it
   * when the process dies; `memory`, nothing: the broker then has no journal. Default `fsync`.
   */
  readonly durability: DurabilityName;
  /** A file of the journal, 64 KiB to 1 GiB. Default 64 MiB. */
  readonly segmentBytes: number;
  /**
   * Free bytes of the data directory's file system below which publishes are refused, so that acks and deletions still
   * have room; above 1.25 times as many they are taken again. Default 256 MiB.
   */
  readonly diskReserve: number;
  /** Threads that own messages, 1 to 256. Default: one per core but one, at least 1. */
  readonly shards: number;
  /** Of this broker among all, 1 to 1,024; part of every message id. Default 1. */
  readonly node: number;
  /**
   * Budget for messages of all shards, at least 16 MiB for each. Default: half of what the machine (or its container)
   * has.
   */
  readonly memory: number;
  /** Capacity of each ring, a power of two. */
  readonly ringBytes: number;
  readonly maxMessageBytes: number;
  /** Default: `maxMessageBytes` and 64 KiB. */
  readonly maxFrameBytes: number;
  readonly maxBatchMessages: number;
  /** Unanswered requests of one connection. */
  readonly maxInFlight: number;
  readonly maxNameBytes: number;
  /** Fewer where the limit of open files leaves room for fewer: of a broker that runs, as many as it lets in. */
  readonly maxConnections: number;
  /** Of TCP and WebSocket, for each address (an IPv6 network of 64 bits is one). Default: 60 % of `maxConnections`. */
  readonly maxConnectionsPerAddress: number;
  /** Topics in a shard, and as many channels. */
  readonly maxTopics: number;
  /** Of the topics that a shard has, those that one connection may have made. Default: half of `maxTopics`. */
  readonly maxTopicsPerConnection: number;
  /**
   * How long a topic with the default configuration, without declared queues and with nothing in it, may go unused before
   * it is forgotten, its counters with it. At least 1, up to 2^53 or Infinity. Default 10 minutes.
   */
  readonly topicIdle: number;
  /** How long a consumer may hold a message of a topic that nobody has configured. Default one minute. */
  readonly ttr: number;
  /** How often such a topic delivers a message again before it is a dead letter. Default 5. */
  readonly retries: number;
  /** Whether channels that nobody has configured are kept in the journal. Default false. */
  readonly persist: boolean;
  /** What such a channel keeps: so many messages, the newest, and so many bytes of them. Default 0: no limit. */
  readonly keepMessages: number;
  readonly keepBytes: number;
  /** How long it keeps a message, up to ten years. Default 0: no limit. */
  readonly keepAge: number;
  /** Messages of the history in memory that a subscriber asks for by `recover`, at most 65,536. Default 1,000. */
  readonly history: number;
  /** Bytes of any history, at most 16 MiB. Default 1 MiB. */
  readonly historyBytes: number;
  /** How long a history stays after its last subscriber has gone. Up to 2^53 or Infinity. Default one minute. */
  readonly historyIdle: number;
  /**
   * A directory of files for those who read files: `<channel>.mq` has the messages of a kept channel, a line of JSON for
   * each, about a second behind. Default: none.
   */
  readonly mqFiles: string | undefined;
  /** Queues in a topic, at most 32,768. */
  readonly maxQueues: number;
  /** Consumers, waiting pops and subscriptions of a shard, at most 65,536. */
  readonly maxConsumers: number;
  /** Of them, those of one connection. Default: a quarter of `maxConsumers`. */
  readonly maxConsumersPerConnection: number;
  /** Unsent bytes of a connection past which its deliveries pause and it is not read; at least 64 KiB. */
  readonly maxOutgoingBytes: number;
  /**
   * Unsent bytes of all connections together: past half of it connections are held early, past all of it those with the
   * most are cut off. Default: a quarter of `memory`, at least four largest frames and at most 256 MiB.
   */
  readonly maxUnsentBytes: number;
  /**
   * Bytes of half-received frames of all connections together, 16 KiB reserved for each WebSocket among them; and as
   * many of what waits for shards that are busy. Default: a quarter of `memory`, at least two largest frames, at most
   * 256 MiB or those.
   */
  readonly maxAssemblyBytes: number;
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

/** Room in a frame for its header and head beside a largest message. */
const FRAME_SLACK_BYTES = MAX_FRAME_BYTES - MAX_MESSAGE_BYTES;

/** 28 bits of an entry's word tell its size. */
const MAX_CONFIGURABLE_MESSAGE_BYTES = 2 ** 28 - 1;

/** An eighth of the ring is the largest record: what one read of a socket brings must not need fragments. */
const MIN_RING_BYTES = 64 * 1024;
const MAX_RING_BYTES = 2 ** 30;

/**
 * node tells of room in a socket's buffer only after the buffer was over its high-water mark, 16 KiB on most machines:
 * a connection that is held below that mark would never be released. With a margin for machines with another mark.
 */
const MIN_OUTGOING_BYTES = 64 * 1024;

/** Two pages of 4 MiB, since one is begun before the one before it can leave memory, and as much for what is known of messages. */
const MIN_SHARD_MEMORY = 16 * 1024 * 1024;

/** A queue's number within its topic. A publish in pattern mode looks at each. */
const MAX_QUEUES = 2 ** 15;

const MAX_CONSUMERS = 2 ** 16;
const MAX_TOPICS = 2 ** 24;

/** Below, a segment is mostly its own head and directory; above, what a few old messages hold on to is too much. */
const MIN_SEGMENT_BYTES = 64 * 1024;
const MAX_SEGMENT_BYTES = 2 ** 30;

const defaults = {
  tcp: { host: DEFAULT_HOST, port: DEFAULT_TCP_PORT },
  http: { host: DEFAULT_HOST, port: DEFAULT_HTTP_PORT },
  grpc: "off",
  tcpTls: undefined,
  httpTls: undefined,
  grpcTls: undefined,
  httpEngine: "auto",
  data: "ringmq-data",
  durability: "fsync",
  // Written in some seconds at full speed, made ahead in a tenth of one; a disk of 10 GiB holds 160 of them.
  segmentBytes: 64 * 1024 * 1024,
  // Room for a segment that is made ahead in two shards, and for others who write to the same disk.
  diskReserve: 256 * 1024 * 1024,
  node: 1,
  // Work for about a millisecond at 3 GB/s, which is the time that either side may be away; an eighth of it, the largest
  // record that is not fragmented, takes any read of a socket. Twice this is no faster, and leaves the cache.
  ringBytes: 4 * 1024 * 1024,
  maxMessageBytes: MAX_MESSAGE_BYTES,
  maxBatchMessages: MAX_BATCH_MESSAGES,
  maxInFlight: MAX_IN_FLIGHT,
  maxNameBytes: MAX_NAME_BYTES,
  // A connection costs the main thread about 10 KiB: 100 MB of them.
  maxConnections: 10_000,
  // A topic costs a shard about 3 KiB: 800 MB of them.
  maxTopics: 262_144,
  // Longer than a client is away when its network or its process is started anew; a reply topic of each of a hundred
  // requests a second is 60,000 topics then.
  topicIdle: 600_000,
  // A publish in pattern mode looks at each.
  maxQueues: 1024,
  ttr: DEFAULT_TTR,
  retries: DEFAULT_RETRIES,
  persist: false,
  mqFiles: undefined,
  keepMessages: 0,
  keepBytes: 0,
  keepAge: 0,
  history: DEFAULT_HISTORY,
  historyBytes: DEFAULT_HISTORY_BYTES,
  historyIdle: DEFAULT_HISTORY_IDLE,
  maxConsumers: 65_536,
  // Several times what a round trip carries on a fast network; little enough that 10,000 slow readers are told apart
  // from a leak.
  maxOutgoingBytes: 4 * 1024 * 1024,
  // Long for a machine, short for a person who found the port by chance.
  helloTimeout: 10_000,
  // Far beyond what any request takes, and below what clients commonly wait for an answer.
  shardTimeout: 10_000,
  // Service managers commonly kill after 10 s; what is left is for cutting off.
  closeTimeout: 8_000,
  allowBackup: false,
  allowOrigin: [],
  allowHost: [],
  log: SILENT,
  progress: undefined,
} as const;

/** Of fewer connections nobody has a share: whoever allows so few knows their clients. */
export const MIN_SHARED_CONNECTIONS = 100;

/** With the share of plain HTTP (server.ts) a tenth of the connections is left to others, whoever takes what it can. */
const addressShare = (maxConnections: number): number =>
  maxConnections < MIN_SHARED_CONNECTIONS ? maxConnections : Math.floor(maxConnections * 0.6);

/** What one connection may have of the topics and of the consumers of a shard; of a few, all. */
const TOPIC_SHARE = 0.5;
const CONSUMER_SHARE = 0.25;
const MIN_SHARED = 100;
const connectionShare = (all: number, share: number): number => (all < MIN_SHARED ? all : Math.ceil(all * share));

/** Four readers that are each in the middle of a largest message are no reason to cut anybody off. */
const MIN_UNSENT_FRAMES = 4;
const MAX_UNSENT_BYTES = 256 * 1024 * 1024;

/** Half of the memory that this process may use. */
const halfOfMemory = (): number => {
  const machine = os.totalmem();
  const constrained = process.constrainedMemory() ?? 0;
  return Math.floor((constrained > 0 && constrained < machine ? constrained : machine) / 2);
};

/** 10,000 WebSockets and six more largest frames that are put together. */
const MAX_ASSEMBLY_BYTES = 256 * 1024 * 1024;

/** A frame is put together in a buffer of a power of two. */
const assemblyBytes = (memory: number, maxFrameBytes: number): number =>
  Math.max(Math.min(MAX_ASSEMBLY_BYTES, Math.floor(memory / 4)), 2 * 2 ** Math.ceil(Math.log2(maxFrameBytes + 4)));

const checkAddress = (name: string, address: Address | "off"): void => {
  if (address === "off") return;
  check(`the port of ${name}`, address.port, 0, 65_535);
};

/** With full paths: the working directory may change before the files are read again. */
const resolveTls = (name: "tcpTls" | "httpTls" | "grpcTls", given: Tls | undefined): Tls | undefined => {
  if (given === undefined || given === "self-signed") return given;
  const path = (file: keyof TlsFiles): string => {
    const value = given[file];
    if (typeof value === "string" && value !== "" && !value.includes("\0")) return resolve(value);
    throw new RangeError(`${name}.${file} must be the path of a PEM file; it is ${JSON.stringify(value)}`);
  };
  const files = { certFile: path("certFile"), keyFile: path("keyFile") };
  return given.clientCaFile === undefined ? files : { ...files, clientCaFile: path("clientCaFile") };
};

/** Whether a port lets in only those that show a certificate of their own. */
export const needsClientCertificate = (tls: Tls | undefined): boolean =>
  tls !== undefined && tls !== "self-signed" && tls.clientCaFile !== undefined;

/** Fills in the defaults. RangeError: an option is out of its range, or contradicts another. */
export const resolveOptions = (given: Partial<BrokerOptions> = {}): BrokerOptions => {
  const memory = given.memory ?? halfOfMemory();
  const maxFrameBytes = given.maxFrameBytes ?? (given.maxMessageBytes ?? MAX_MESSAGE_BYTES) + FRAME_SLACK_BYTES;
  const options: BrokerOptions = {
    ...defaults,
    shards: Math.max(1, os.availableParallelism() - 1),
    memory,
    maxFrameBytes,
    maxConnectionsPerAddress: addressShare(given.maxConnections ?? defaults.maxConnections),
    maxTopicsPerConnection: connectionShare(given.maxTopics ?? defaults.maxTopics, TOPIC_SHARE),
    maxConsumersPerConnection: connectionShare(given.maxConsumers ?? defaults.maxConsumers, CONSUMER_SHARE),
    maxUnsentBytes: Math.min(MAX_UNSENT_BYTES, Math.max(MIN_UNSENT_FRAMES * maxFrameBytes, Math.floor(memory / 4))),
    maxAssemblyBytes: assemblyBytes(memory, maxFrameBytes),
    ...given,
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
  if (!HTTP_ENGINES.includes(options.httpEngine)) {
    throw new RangeError(`httpEngine must be auto, uws or node; it is ${options.httpEngine}`);
  }
  if (options.httpEngine === "uws" && needsClientCertificate(options.httpTls)) {
    throw new RangeError(
      "httpEngine must be node or auto where clients need a certificate (httpTls.clientCaFile): " +
        "uWebSockets.js lets in those that present none; it is uws",
    );
  }
  if (given.data === "") throw new RangeError("data must be the path of a directory; it is empty");
  if (options.data.includes("\0")) {
    throw new RangeError(`data must be the path of a directory; ${JSON.stringify(given.data)} has a NUL in it`);
  }
  if (!Object.hasOwn(Durability, options.durability)) {
    throw new RangeError(`durability must be fsync, write or memory; it is ${options.durability}`);
  }
  if (options.persist && options.durability === "memory") {
    throw new RangeError("persist must have a journal, which durability memory has not: leave one of them out");
  }
  check("segmentBytes", options.segmentBytes, MIN_SEGMENT_BYTES, MAX_SEGMENT_BYTES);
  check("diskReserve", options.diskReserve, 0, Number.MAX_SAFE_INTEGER);
  check("shards", options.shards, 1, MAX_SHARDS);
  check("node", options.node, 1, MAX_NODE_ID);
  check("memory", options.memory, 0, Number.MAX_SAFE_INTEGER);
  const minMemory = options.shards * MIN_SHARD_MEMORY;
  if (options.memory < minMemory) {
    const shards = options.shards === 1 ? "the shard" : `each of the ${options.shards} shards`;
    const why = ` (16 MiB for ${shards})`;
    const max = Number.POSITIVE_INFINITY;
    throw new OutOfRangeError("memory", options.memory, minMemory, max, `at least ${minMemory}`, why);
  }
  check("ringBytes", options.ringBytes, MIN_RING_BYTES, MAX_RING_BYTES);
  if (!Number.isInteger(Math.log2(options.ringBytes))) {
    throw new RangeError(`ringBytes must be a power of two; it is ${options.ringBytes}`);
  }
  check("maxMessageBytes", options.maxMessageBytes, 1, MAX_CONFIGURABLE_MESSAGE_BYTES);
  check("maxFrameBytes", options.maxFrameBytes, 1024, MAX_CONFIGURABLE_MESSAGE_BYTES + FRAME_SLACK_BYTES);
  check("maxBatchMessages", options.maxBatchMessages, 1, MAX_BATCH_MESSAGES);
  check("maxInFlight", options.maxInFlight, 1, 2 ** 24);
  check("maxNameBytes", options.maxNameBytes, 1, MAX_NAME_BYTES);
  check("maxConnections", options.maxConnections, 1, 2 ** 20);
  check("maxConnectionsPerAddress", options.maxConnectionsPerAddress, 1, 2 ** 20);
  check("maxUnsentBytes", options.maxUnsentBytes, MIN_OUTGOING_BYTES, Number.MAX_SAFE_INTEGER);
  check("maxTopics", options.maxTopics, 1, MAX_TOPICS);
  check("maxTopicsPerConnection", options.maxTopicsPerConnection, 1, MAX_TOPICS);
  check("maxQueues", options.maxQueues, 1, MAX_QUEUES);
  check("ttr", options.ttr, 1, MAX_DELAY);
  check("retries", options.retries, 0, MAX_RETRIES);
  check("keepMessages", options.keepMessages, 0, Number.MAX_SAFE_INTEGER);
  check("keepBytes", options.keepBytes, 0, Number.MAX_SAFE_INTEGER);
  check("keepAge", options.keepAge, 0, MAX_DELAY);
  check("history", options.history, 0, MAX_HISTORY);
  check("historyBytes", options.historyBytes, 0, MAX_HISTORY_BYTES);
  check("maxConsumers", options.maxConsumers, 1, MAX_CONSUMERS);
  check("maxConsumersPerConnection", options.maxConsumersPerConnection, 1, MAX_CONSUMERS);
  check("maxOutgoingBytes", options.maxOutgoingBytes, MIN_OUTGOING_BYTES, 2 ** 32);
  check("maxAssemblyBytes", options.maxAssemblyBytes, 0, Number.MAX_SAFE_INTEGER);
  checkTimeout("topicIdle", options.topicIdle, 1);
  checkTimeout("historyIdle", options.historyIdle, 0);
  checkTimeout("helloTimeout", options.helloTimeout, 1);
  checkTimeout("shardTimeout", options.shardTimeout, 100);
  checkTimeout("closeTimeout", options.closeTimeout, 0);
  return options;
};
