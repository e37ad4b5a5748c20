/**
 * Connects a client to a broker.
 */
import { MAX_IN_FLIGHT } from "../protocol/limits.js";
import { readConnect, readUrls } from "./arguments/connect-checks.js";
import type { ConnectionOptions, ConnectOptions } from "./arguments/options.js";
import { backoff, FIRST_WAIT, MAX_WAIT } from "./base/backoff.js";
import { type Clock, SYSTEM_CLOCK } from "./base/clock.js";
import { RingmqError } from "./base/error.js";
import { EventHub } from "./base/event-hub.js";
import { Client } from "./client.js";
import { type Tokens, takeToken } from "./connection/address.js";
import { Connection, type ConnectionLimits } from "./connection/connection.js";
import { openConnection, pauseUnlessAborted, type ReachOptions, reachBroker } from "./connection/open.js";
import type { PendingBytes } from "./connection/pending-bytes.js";
import { Reconnector } from "./connection/reconnector.js";
import type { ConnectionStatus } from "./connection/status.js";
import type { OpenTransport } from "./connection/transport.js";
import { Numbering } from "./publish/numbering.js";
import { Tracing } from "./tracing/tracing.js";

const CONNECT_TIMEOUT = 10_000;
const ANSWER_TIMEOUT = 30_000;
const PING_INTERVAL = 10_000;
export const MAX_PENDING_BYTES = 64 * 1024 * 1024;

/**
 * Connects to a broker: `tcp://host:port` or `tls://host:port` (port 9503 unless told), `ws://host:port/mq` or
 * `wss://host:port/mq`; or to the first that can be had of a list. It is connected to one at a time, and when that is lost, to
 * the same again or to the next, until it is closed: see `reconnect`. Brokers of a list share nothing: each has the messages
 * that were published to it.
 *
 * Rejects with CONNECT_FAILED, with the code for which the broker refuses the connection, with ABORTED by `signal`, or with
 * BAD_ARGUMENT; with a list, with the error of its last broker.
 */
export const connect = async (urls: string | readonly string[], options: ConnectOptions = {}): Promise<Client> => {
  const tokens: Tokens = new Map();
  const plain = readUrls(urls).map((url) => takeToken(url, tokens));
  return connectClient(plain, readConnect(options), { tokens });
};

/** What a test broker has of its own, and a client of several nodes. */
export interface ClientSeams {
  /** Of addresses that have one of their own, in place of the option. */
  readonly tokens?: Tokens;
  readonly open?: OpenTransport;
  readonly clock?: Clock;
  /** Messages to topics are numbered. */
  readonly numbering?: Numbering;
  /** Whether a broker that was lost will not come back. */
  readonly isOver?: () => boolean;
}

const limitsOf = (options: ConnectionOptions, sharedBytes?: PendingBytes): ConnectionLimits => {
  const { maxInFlight = MAX_IN_FLIGHT, maxPendingBytes = MAX_PENDING_BYTES } = options;
  return { maxInFlight, maxPendingBytes, sharedBytes };
};

const reachOf = ({ name, token, signal, connectTimeout = CONNECT_TIMEOUT, tls }: ConnectionOptions): ReachOptions => ({
  name,
  token,
  signal,
  connectTimeout,
  tls,
});

/**
 * A client of one connection, with options that have been read: it is closed when that ends. `sharedBytes` counts what is on its
 * way on several connections.
 *
 * @internal
 */
export const openClient = async (
  url: string,
  options: ConnectionOptions,
  sharedBytes?: PendingBytes,
  { open, clock, numbering }: ClientSeams = {},
): Promise<Client> => {
  const tracing = new Tracing(options.trace);
  const limits = limitsOf(options, sharedBytes);
  const connection = await openConnection(url, { ...reachOf(options), ...limits }, open, clock);
  return new Client(connection, { url, numbering, tracing });
};

/**
 * As `connect`, with arguments that have been read.
 *
 * @internal
 */
export const connectClient = async (
  urls: readonly string[],
  options: ConnectOptions,
  seams: ClientSeams = {},
): Promise<Client> => {
  const { reconnect = {}, signal } = options;
  const clock = seams.clock ?? SYSTEM_CLOCK;
  const {
    minDelay = FIRST_WAIT,
    maxDelay = MAX_WAIT,
    timeout = Number.POSITIVE_INFINITY,
    initially = false,
  } = reconnect === false ? {} : reconnect;
  const start = clock.now();
  for (let attempt = 0; ; attempt++) {
    const at = attempt % urls.length;
    try {
      return await connectOnce(urls, at, options, seams);
    } catch (error) {
      const isLast = at === urls.length - 1 && (!initially || clock.now() - start >= timeout);
      if (isLast || signal?.aborted === true || isWrong(error)) throw error;
      // Every broker of the list is tried before the first wait.
      const round = Math.floor(attempt / urls.length);
      if (initially && at === urls.length - 1) {
        await pauseUnlessAborted(clock, backoff(round, minDelay, maxDelay), signal);
      }
    }
  }
};

const isWrong = (error: unknown): boolean => error instanceof RingmqError && error.code === "BAD_ARGUMENT";

const connectOnce = async (
  urls: readonly string[],
  at: number,
  options: ConnectOptions,
  { tokens, open, clock, numbering, isOver }: ClientSeams,
): Promise<Client> => {
  const url = urls[at] ?? "";
  const tracing = new Tracing(options.trace);
  const { reconnect = {}, publishTimeout = ANSWER_TIMEOUT, requestTimeout = ANSWER_TIMEOUT } = options;
  const limits = { ...limitsOf(options), publishTimeout, requestTimeout };
  const reach = (to: string): ReachOptions => reachOf({ ...options, token: tokens?.get(to) ?? options.token });
  if (reconnect === false) {
    return new Client(await openConnection(url, { ...reach(url), ...limits }, open, clock), {
      url,
      numbering,
      tracing,
    });
  }
  const { minDelay = FIRST_WAIT, maxDelay = MAX_WAIT, timeout = Number.POSITIVE_INFINITY } = reconnect;
  const { pingInterval = PING_INTERVAL } = options;
  const statuses = new EventHub<ConnectionStatus>();
  const connection = await reachBroker(
    url,
    reach(url),
    (transport, info) => {
      const opened = new Connection(transport, info, limits, clock);
      opened.revival = new Reconnector(opened, {
        urls,
        at,
        minDelay,
        maxDelay,
        timeout,
        pingInterval,
        reach: (next, signal) =>
          reachBroker(next, { ...reach(next), signal }, (...arrived) => opened.reopen(...arrived), open),
        statuses,
        isOver,
      });
      return opened;
    },
    open,
  );
  return new Client(connection, { url, numbering: numbering ?? new Numbering(), statuses, tracing });
};
