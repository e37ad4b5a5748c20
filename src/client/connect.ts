/**
 * Connects a client to a broker.
 */
import { type ReadConnect, readConnect, readUrls } from "./arguments/connect-checks.js";
import type { ConnectOptions } from "./arguments/options.js";
import { backoff } from "./base/backoff.js";
import { type Clock, SYSTEM_CLOCK } from "./base/clock.js";
import { RingmqError } from "./base/error.js";
import { EventHub } from "./base/event-hub.js";
import { Client } from "./client.js";
import { type Tokens, takeToken } from "./connection/address.js";
import { Connection } from "./connection/connection.js";
import { pauseUnlessAborted, reachBroker } from "./connection/open.js";
import { revivalOf } from "./connection/reviving.js";
import type { ConnectionStatus } from "./connection/status.js";
import type { OpenTransport } from "./connection/transport.js";
import type { Accept } from "./connection/transport-listener.js";
import { Numbering } from "./publish/numbering.js";
import { tracingOf } from "./tracing/tracing-of.js";

export { MAX_PENDING_BYTES } from "./arguments/connect-checks.js";

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

/**
 * As `connect`, with arguments that have been read.
 *
 * @internal
 */
export const connectClient = async (
  urls: readonly string[],
  options: ReadConnect,
  seams: ClientSeams = {},
): Promise<Client> => {
  const { reconnect, signal } = options;
  const { clock = SYSTEM_CLOCK } = seams;
  const start = clock.now();
  for (let attempt = 0; ; attempt++) {
    const at = attempt % urls.length;
    const isRound = at === urls.length - 1;
    try {
      return await connectOnce(urls, at, options, seams);
    } catch (error) {
      const isOver =
        isRound && !(reconnect !== false && reconnect.initially && clock.now() - start < reconnect.timeout);
      if (isOver || signal?.aborted === true || isWrong(error)) throw error;
      // Every broker of the list is tried before the first wait.
      if (!isRound || reconnect === false) continue;
      const wait = backoff(Math.floor(attempt / urls.length), reconnect.minDelay, reconnect.maxDelay);
      await pauseUnlessAborted(clock, wait, signal);
    }
  }
};

const isWrong = (error: unknown): boolean => error instanceof RingmqError && error.code === "BAD_ARGUMENT";

const connectOnce = async (
  urls: readonly string[],
  at: number,
  options: ReadConnect,
  { tokens, open, clock, numbering, isOver }: ClientSeams,
): Promise<Client> => {
  const url = urls[at] ?? "";
  const { trace, reconnect, pingInterval } = options;
  const reachOf = (to: string) => ({ ...options, token: tokens?.get(to) ?? options.token });
  const tracing = await tracingOf(trace);
  const statuses = new EventHub<ConnectionStatus>();
  const first: Accept = (transport, info) => {
    const opened = new Connection(transport, info, options, clock);
    if (reconnect === false) return opened;
    const reach = (next: string, signal: AbortSignal, accept: Accept) =>
      reachBroker(next, { ...reachOf(next), signal }, accept, open);
    opened.revival = revivalOf(opened, { ...reconnect, urls, at, pingInterval, reach, statuses, isOver });
    return opened;
  };
  const connection = await reachBroker(url, reachOf(url), first, open);
  const numbers = reconnect === false ? numbering : (numbering ?? new Numbering());
  return new Client(connection, { url, numbering: numbers, statuses, tracing });
};
