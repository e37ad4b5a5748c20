/**
 * The file descriptors of the process, and how many connections they leave room for. Everything else that the broker
 * opens has its own, so that connections cannot use up those of the journal, and `accept` never finds none: without one,
 * uWebSockets.js would retry for ever.
 */
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { devNull } from "node:os";
import { JOURNAL_DESCRIPTORS } from "../../workers/shard-thread-data.js";
import type { BrokerOptions } from "../options.js";
import { StartError } from "./start-error.js";

/** Per thread: its event loop (epoll and the event that wakes it) and the two ends of its pipe for signals. */
const OF_THREAD = 4;

/**
 * Per thread of the pool, beside those: the modules that it loads at once when it starts, which Node.js opens all before it
 * reads any. A job has fewer: the file that it reads, the one that it writes, and the directory that it syncs.
 */
export const OF_LOADING = 10;

/** Free descriptors below which the ports are closed, and from which on they are opened again, which takes two. */
export const FEW_FREE = 8;
export const ENOUGH_FREE = 12;

/** The main thread's: two ports and the loop of HTTP, 5; the lock, 2; a directory that is listed or removed, 3. */
const OF_BROKER = 10;

/** The main thread's with a journal: the data directory, its manifest and its socket; and for each shard its directory. */
const OF_HOME = 3;
const OF_SHARD_HOME = 1;

/** Sockets beyond the accepted connections, which are told that there are too many: at most this many, and this share. */
const MAX_EXCESS = 100;
const EXCESS_SHARE = 1 / 8;

/** With room for fewer connections the broker does not start. */
const MIN_CONNECTIONS = 16;

export interface DescriptorUse {
  readonly shards: number;
  readonly hasGrpc: boolean;
  /** The most threads of the pool. */
  readonly poolThreads: number;
  readonly hasJournal: boolean;
  /** A thread writes the files of topics. It opens fewer files than its modules are. */
  readonly hasMqFiles: boolean;
  /** The broker makes its certificate, which a thread of the pool does. */
  readonly isSelfSigned: boolean;
  /** Open before the start: Node's own and the program's. */
  readonly inUse: number;
}

/** Descriptors that are needed for everything but connections. */
export const reserveFor = (use: DescriptorUse): number => {
  const { shards, hasGrpc, hasMqFiles, poolThreads, hasJournal, isSelfSigned, inUse } = use;
  // The gRPC thread listens by itself.
  const others = (hasGrpc ? OF_THREAD + 1 : 0) + (hasMqFiles ? OF_THREAD + OF_LOADING : 0);
  const threads = shards * OF_THREAD + others;
  const journals = hasJournal ? OF_HOME + shards * (OF_SHARD_HOME + JOURNAL_DESCRIPTORS) : 0;
  const pool = (hasJournal ? poolThreads : Number(isSelfSigned)) * (OF_THREAD + OF_LOADING);
  return inUse + OF_BROKER + FEW_FREE + threads + journals + pool;
};

/** How many connections there is room for. */
export interface ConnectionRoom {
  /** Connections that are accepted: fewer than wanted if the limit does not allow more. */
  readonly connections: number;
  /** Sockets at any time, including those that are being refused. */
  readonly sockets: number;
  /** The limit that would be enough for all wanted connections. */
  readonly wantedLimit: number;
}

/**
 * The room within `limit` descriptors (undefined: unknown), of which `reserve` are not for connections.
 *
 * @throws StartError when too little is left.
 */
export const roomFor = (maxConnections: number, limit: number | undefined, reserve: number): ConnectionRoom => {
  const wantedLimit = reserve + maxConnections + MAX_EXCESS;
  if (limit === undefined) return { connections: maxConnections, sockets: Number.POSITIVE_INFINITY, wantedLimit };
  const sockets = Math.max(0, limit - reserve);
  const excess = Math.min(MAX_EXCESS, Math.ceil(sockets * EXCESS_SHARE));
  const connections = Math.min(maxConnections, sockets - excess);
  if (connections < Math.min(MIN_CONNECTIONS, maxConnections)) {
    throw new StartError(
      `the process may have ${limit} files open, and the broker needs ${reserve} beside its connections: raise the limit to ` +
        `${wantedLimit} (ulimit -n ${wantedLimit}, LimitNOFILE=${wantedLimit} of systemd), or have fewer shards`,
    );
  }
  return { connections, sockets, wantedLimit };
};

/** The limit of open files of the process; undefined where it is not known (it is on Linux). */
export const openFilesLimit = (limits: () => string = readLimits): number | undefined => {
  let text: string;
  try {
    text = limits();
  } catch {
    return undefined;
  }
  const [, soft] = /^Max open files\s+(\d+|unlimited)\s/m.exec(text) ?? [];
  return soft === undefined || soft === "unlimited" ? undefined : Number(soft);
};

const readLimits = (): string => readFileSync("/proc/self/limits", "utf8");

/** How many descriptors are open; 0 where that is not known. */
export const openDescriptors = (): number => {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return 0;
  }
};

/** What the process has room for now, in which nothing of the broker is open yet. @throws StartError when that is too little. */
const roomOf = (options: BrokerOptions, poolThreads: number): ConnectionRoom => {
  const { shards, durability, maxConnections, tcpTls, httpTls, grpc, grpcTls, mqFiles } = options;
  const hasJournal = durability !== "memory";
  const hasGrpc = grpc !== "off";
  const hasMqFiles = mqFiles !== undefined;
  const isSelfSigned = [tcpTls, httpTls, grpcTls].includes("self-signed");
  const use = { shards, hasGrpc, hasMqFiles, poolThreads, hasJournal, isSelfSigned, inUse: openDescriptors() };
  return roomFor(maxConnections, openFilesLimit(), reserveFor(use));
};

/**
 * For a program, before it loads the broker: Node.js opens many modules at once, and says of one that it cannot open that it is not
 * there.
 *
 * @throws StartError when the process may have too few files open, whatever the machine is like.
 */
export const expectDescriptors = (options: BrokerOptions): void => {
  roomOf(options, 1);
};

/**
 * The room for the connections of a broker in this process. Logs a warning if it is less than wanted.
 *
 * @throws StartError when too little is left.
 */
export const findRoom = (options: BrokerOptions, poolThreads: number): ConnectionRoom => {
  const { maxConnections, log } = options;
  const room = roomOf(options, poolThreads);
  const { connections, wantedLimit } = room;
  if (connections < maxConnections) {
    log.warn(
      { limit: openFilesLimit(), maxConnections, connections },
      `the limit of open files leaves room for ${connections} connections: raise it to ${wantedLimit} ` +
        `(ulimit -n ${wantedLimit}, LimitNOFILE=${wantedLimit} of systemd), or lower --max-connections`,
    );
  }
  return room;
};

/** EMFILE or ENFILE if a text mentions it: an error of another thread has lost its code. */
export const descriptorFault = (text: string): string | undefined => /\bE[MN]FILE\b/.exec(text)?.[0];

/** How many of `wanted` descriptors are free: it opens them and closes them again. */
export const freeDescriptors = (wanted: number): number => {
  const taken: number[] = [];
  try {
    while (taken.length < wanted) taken.push(openSync(devNull, "r"));
  } catch {
    // For whatever reason, no more can be opened.
  }
  for (const descriptor of taken) closeSync(descriptor);
  return taken.length;
};
