/**
 * The descriptors of the process: how many connections they leave room for. Whatever else the broker opens has its own,
 * so that no client can take those of the journal, and no accept ever finds none: uWebSockets.js would try again for
 * ever.
 */
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { devNull } from "node:os";
import { JOURNAL_DESCRIPTORS } from "../../workers/shard-thread-data.js";
import type { BrokerOptions } from "../options.js";
import { StartError } from "./start-error.js";

/** Of a thread: its event loop (epoll and the event that wakes it) and the two ends of its pipe for signals. */
const OF_THREAD = 4;

/** Of a job: what it reads, what it writes, and the directory whose names it syncs. */
const OF_JOB = 3;

/** Free ones below which the ports are closed, and so many that they are opened again: two are their own. */
export const FEW_FREE = 8;
export const ENOUGH_FREE = 12;

/** Of the main thread: two ports and HTTP's loop, 5; the lock, 2; a directory that is listed or removed, 3. */
const OF_BROKER = 10;

/** Sockets beyond the connections that are let in: they are told that there are too many. Of those that there may be. */
const MAX_EXCESS = 100;
const EXCESS_SHARE = 1 / 8;

/** With fewer connections there is no use in a start. */
const MIN_CONNECTIONS = 16;

export interface DescriptorUse {
  readonly shards: number;
  /** Of the pool, at most. */
  readonly poolThreads: number;
  readonly hasJournal: boolean;
  /** That are open before the start: Node's own and the program's. */
  readonly inUse: number;
}

/** Descriptors that are needed beside those of connections. */
export const reserveFor = ({ shards, poolThreads, hasJournal, inUse }: DescriptorUse): number => {
  const threads = shards * OF_THREAD;
  const journals = hasJournal ? shards * JOURNAL_DESCRIPTORS + poolThreads * (OF_THREAD + OF_JOB) : 0;
  return inUse + OF_BROKER + FEW_FREE + threads + journals;
};

/** What there is room for. */
export interface ConnectionRoom {
  /** Connections that are let in; fewer than wanted: the limit does not allow more. */
  readonly connections: number;
  /** Sockets at any time, those that are being refused among them. */
  readonly sockets: number;
  /** The limit that would do for all that are wanted. */
  readonly wantedLimit: number;
}

/**
 * Room within `limit` descriptors (undefined: nobody knows it), of which `reserve` are not for connections.
 *
 * @throws StartError when next to nothing is left.
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

/** Files that the process may have open; undefined where the system does not tell (it does on Linux). */
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

/** Descriptors that are open; 0 where the system does not tell. */
export const openDescriptors = (): number => {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return 0;
  }
};

/**
 * Room for the connections of a broker in this process; the log is told when it is less than wanted.
 *
 * @throws StartError when next to nothing is left.
 */
export const findRoom = (options: BrokerOptions, poolThreads: number): ConnectionRoom => {
  const { shards, durability, maxConnections, log } = options;
  const limit = openFilesLimit();
  const hasJournal = durability !== "memory";
  const room = roomFor(
    maxConnections,
    limit,
    reserveFor({ shards, poolThreads, hasJournal, inUse: openDescriptors() }),
  );
  const { connections, wantedLimit } = room;
  if (connections < maxConnections) {
    log.warn(
      { limit, maxConnections, connections },
      `the limit of open files leaves room for ${connections} connections: raise it to ${wantedLimit} ` +
        `(ulimit -n ${wantedLimit}, LimitNOFILE=${wantedLimit} of systemd), or lower --max-connections`,
    );
  }
  return room;
};

/** EMFILE or ENFILE if that is what a text tells of: an error of another thread has lost its code. */
export const descriptorFault = (text: string): string | undefined => /\bE[MN]FILE\b/.exec(text)?.[0];

/** How many of `wanted` there are: opens them and closes them again. */
export const freeDescriptors = (wanted: number): number => {
  const taken: number[] = [];
  try {
    while (taken.length < wanted) taken.push(openSync(devNull, "r"));
  } catch {
    // Whatever it is: no file can be opened.
  }
  for (const descriptor of taken) closeSync(descriptor);
  return taken.length;
};
