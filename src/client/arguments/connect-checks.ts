/**
 * Checks of the options of `connect`.
 */
import { MAX_IN_FLIGHT } from "../../protocol/limits.js";
import { FIRST_WAIT, MAX_WAIT } from "../base/backoff.js";
import { localError } from "../base/error.js";
import { badArgument, checkFlag, checkKey, checkSignal, checkTimeout, isWhole, readList } from "./argument-checks.js";
import { OPTIONS, readOptions } from "./option-reader.js";
import type { ConnectionOptions, ConnectOptions, ReconnectOptions } from "./options.js";
import { readTls } from "./tls-checks.js";

/** A head has 65,535 bytes, and HELLO needs some for its other elements. */
const MAX_CLIENT_NAME_BYTES = 65_000;

/** Unless told. */
export const MAX_PENDING_BYTES = 64 * 1024 * 1024;

const MAX_TOKEN = 1_024;

/** Milliseconds. */
const MIN_INTERVAL = 100;

/** A whole number from 1 on, or Infinity. Above the broker's own limit it has no effect. */
const checkBound = (what: string, value: unknown): void => {
  if (value === Number.POSITIVE_INFINITY || isWhole(value, 1, Number.MAX_VALUE)) return;
  throw badArgument(what, value, "a whole number from 1 on, or Infinity");
};

/** The options of a connection, read once, with their defaults. */
export interface ReadConnection extends ConnectionOptions {
  readonly connectTimeout: number;
  readonly maxInFlight: number;
  readonly maxPendingBytes: number;
}

/** Reads and checks the options of a connection. Throws BAD_ARGUMENT. */
export const readConnection = (options: ConnectionOptions): ReadConnection =>
  checkedConnection(readOptions(options, OPTIONS.connection));

const checkedConnection = <T extends ConnectionOptions>(read: T): T & ReadConnection => {
  const { name, signal, connectTimeout = 10_000, tls } = read;
  const { maxInFlight = MAX_IN_FLIGHT, maxPendingBytes = MAX_PENDING_BYTES } = read;
  checkKey("name", name, MAX_CLIENT_NAME_BYTES);
  checkToken(read.token);
  checkSignal("signal", signal);
  checkTimeout("connectTimeout", connectTimeout);
  checkBound("maxInFlight", maxInFlight);
  checkBound("maxPendingBytes", maxPendingBytes);
  return { ...read, connectTimeout, maxInFlight, maxPendingBytes, tls: tls === undefined ? tls : readTls(tls) };
};

const CONNECT = Object.freeze([...OPTIONS.connection, ...OPTIONS.link]);

/** The options of `connect`, read once, with their defaults. */
export interface ReadConnect extends ReadConnection {
  readonly reconnect: ReadReconnect | false;
  readonly publishTimeout: number;
  readonly requestTimeout: number;
  readonly pingInterval: number;
}

/** Reads and checks the options of `connect`. Throws BAD_ARGUMENT. */
export const readConnect = (options: ConnectOptions): ReadConnect => {
  const read = checkedConnection(readOptions(options, CONNECT));
  const { reconnect = {}, publishTimeout = 30_000, requestTimeout = 30_000, pingInterval = 10_000 } = read;
  checkTimeout("publishTimeout", publishTimeout);
  checkTimeout("requestTimeout", requestTimeout);
  checkInterval("pingInterval", pingInterval);
  const policy = reconnect === false ? reconnect : readReconnect(reconnect);
  return { ...read, reconnect: policy, publishTimeout, requestTimeout, pingInterval };
};

interface ReadReconnect {
  readonly minDelay: number;
  readonly maxDelay: number;
  readonly timeout: number;
  readonly initially: boolean;
}

const readReconnect = (options: ReconnectOptions): ReadReconnect => {
  const read = readOptions(options, OPTIONS.reconnect);
  const { minDelay = FIRST_WAIT, maxDelay = MAX_WAIT, timeout = Number.POSITIVE_INFINITY, initially = false } = read;
  checkDelay("reconnect.minDelay", minDelay);
  checkDelay("reconnect.maxDelay", maxDelay);
  checkTimeout("reconnect.timeout", timeout);
  checkFlag("reconnect.initially", initially);
  return { minDelay, maxDelay, timeout, initially };
};

const checkDelay = (what: string, value: unknown): void => {
  if (typeof value === "number" && value >= 1 && value < Number.POSITIVE_INFINITY) return;
  throw badArgument(what, value, "milliseconds from 1 on");
};

/** An interval of pings, and of others that would burden brokers if they were shorter. */
export const checkInterval = (what: string, value: unknown): void => {
  checkTimeout(what, value);
  if (typeof value === "number" && value < MIN_INTERVAL) {
    throw badArgument(what, value, `at least ${MIN_INTERVAL} milliseconds`);
  }
};

const isText = (value: unknown): value is string => typeof value === "string";

/** A token is text without spaces; what was given in its place is nobody's business. */
export const checkToken = (token: unknown): void => {
  if (token === undefined || (isText(token) && token.length <= MAX_TOKEN && /^\S+$/.test(token))) return;
  throw localError("BAD_ARGUMENT", `token must be text of 1 to ${MAX_TOKEN} characters without spaces`);
};

/** Reads the addresses of `connect`: one, or a list of some. Throws BAD_ARGUMENT. */
export const readUrls = (urls: unknown): readonly string[] => {
  if (typeof urls === "string" || !Array.isArray(urls)) return [urls as string];
  const wanted = "the address of a broker, or a list of at least one";
  const list = readList("urls", urls, wanted, isText);
  // The list ends with the first element that is no text.
  if (list.length === 0 || !list.every(isText)) throw badArgument("urls", urls, wanted);
  return list;
};
