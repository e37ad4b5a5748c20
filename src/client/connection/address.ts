/**
 * The address of a broker: `tcp://host:port`, `ws://host:port/path`, and `tls://…` and `wss://…`, the same over TLS. Parts
 * without a meaning are refused rather than ignored. No error's text repeats what may be a password.
 */
import { badArgument, readFrom, shown } from "../arguments/argument-checks.js";
import { localError, type RingmqError } from "../base/error.js";

/** The ports of addresses without one. */
const TCP_PORT = 9503;
const WS_PORT = 80;
const WSS_PORT = 443;

const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  "tcp:": TCP_PORT,
  "tls:": TCP_PORT,
  "ws:": WS_PORT,
  "wss:": WSS_PORT,
};

export interface Address {
  readonly url: URL;
  /** `tcp:` or `tls:`. */
  readonly isTcp: boolean;
  /** `tls:` or `wss:`. */
  readonly isTls: boolean;
  /** Without the brackets of IPv6. */
  readonly host: string;
  readonly port: number;
  /** For people: `tcp://127.0.0.1:9503`. */
  readonly text: string;
}

/** An address for an error's text, without what comes before an `@`. */
const redacted = (target: string): string => {
  const at = target.lastIndexOf("@");
  return shown(at < 0 ? target : `…${target.slice(at)}`);
};

const refused = (target: string, why: string): RingmqError =>
  localError("BAD_ARGUMENT", `the broker's address ${redacted(target)} ${why}`);

const wanted = (example: string): string => `must begin with tcp://, tls://, ws:// or wss://, as tcp://${example} does`;

/** A longer host is not repeated as an example. */
const MAX_HOST = 100;

/** The host and port of an address that lacks a scheme or has an HTTP one, to show the address that was meant. */
const example = (target: string): string => {
  const meant = /^(?:https?:\/\/)?((?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?)(?:\/|$)/i.exec(target)?.[1];
  return meant === undefined || meant.length > MAX_HOST ? "127.0.0.1:9503" : meant;
};

/** Parses an address. Throws BAD_ARGUMENT, whose text says what is wrong. */
export const parseAddress = (given: unknown): Address => {
  const what = "the broker's address";
  const target = readFrom(what, () => (given instanceof URL ? given.href : given));
  if (typeof target !== "string") throw badArgument(what, given, 'text, as "tcp://127.0.0.1:9503"');
  const url = parse(target);
  const fallback = DEFAULT_PORTS[url.protocol];
  if (fallback === undefined) {
    const http = /^https?:$/.test(url.protocol)
      ? `; the broker's HTTP port takes ${url.protocol === "https:" ? "wss" : "ws"}://${url.host}/mq`
      : "";
    throw refused(target, wanted(example(target)) + http);
  }
  if (url.username !== "" || url.password !== "") {
    throw refused(target, "has more than a token before the @: write it as in tcp://token@127.0.0.1:9503");
  }
  if (url.hostname === "") throw refused(target, wanted("127.0.0.1:9503"));
  if (url.port === "0") throw refused(target, "has port 0, which nobody listens on");
  const isTcp = url.protocol === "tcp:" || url.protocol === "tls:";
  const isTls = url.protocol === "tls:" || url.protocol === "wss:";
  const more = {
    path: isTcp && url.pathname !== "/" ? url.pathname : "",
    query: isTcp ? url.search : "",
    hash: url.hash,
  };
  for (const [part, text] of Object.entries(more)) {
    if (text === "") continue;
    throw refused(
      target,
      `has a ${part}, which means nothing ${isTcp ? "over TCP" : "here"}: leave ${shown(text)} out`,
    );
  }
  const port = url.port === "" ? fallback : Number(url.port);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return { url, isTcp, isTls, host, port, text: `${url.protocol}//${url.hostname}:${port}` };
};

/** The tokens of addresses that had one before their `@`. */
export type Tokens = Map<string, string>;

/**
 * An address without the token before its `@`, which is put aside: nothing that shows the address shows it. What is no token
 * stays, to be refused.
 */
export const takeToken = (given: string, tokens: Tokens): string => {
  const [, scheme = "", user, rest = ""] = /^(\s*[a-z]+:\/\/)([^/?#@:]+):?@(.*)$/is.exec(String(given)) ?? [];
  if (user === undefined) return given;
  try {
    tokens.set(scheme + rest, decodeURIComponent(user));
    return scheme + rest;
  } catch {
    return given;
  }
};

const parse = (target: string): URL => {
  try {
    return new URL(target);
  } catch {
    const hasScheme = /^\s*(?:tcp|tls|wss?):\/\//i.test(target);
    throw refused(target, hasScheme ? "is none: it has no host, or no port from 1 to 65535" : wanted(example(target)));
  }
};
