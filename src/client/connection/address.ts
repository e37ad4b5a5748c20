/**
 * The address of a broker: `tcp://host:port`, `ws://host:port/path`, and `tls://…` and `wss://…`, the same over TLS. Parts
 * without a meaning are refused rather than ignored.
 */
import { readFrom } from "../arguments/argument-checks.js";

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

/** What is wrong with an address. */
export type AddressFault = "type" | "syntax" | "scheme" | "user" | "host" | "port" | "path" | "query" | "hash";

/** The tokens of addresses that had one before their `@`. */
export type Tokens = Map<string, string>;

/**
 * An address without the token before its `@`, which is put aside: nothing that shows the address shows it. What is no token
 * stays, to be refused.
 */
export const takeToken = (given: string, tokens: Tokens): string => {
  const text = addressText(given);
  const [, scheme = "", user, rest = ""] =
    (typeof text === "string" && /^(\s*[a-z]+:\/\/)([^/?#@:]+):?@(.*)$/is.exec(text)) || [];
  if (user === undefined) return given;
  try {
    tokens.set(scheme + rest, decodeURIComponent(user));
    return scheme + rest;
  } catch {
    return given;
  }
};

/** What the program has given as an address, as text where it is a URL. Throws BAD_ARGUMENT where it cannot be read. */
export const addressText = (given: unknown): unknown =>
  readFrom("the broker's address", () => (given instanceof URL ? given.href : given));

/** Parses the text of an address; what is wrong with it, for `addressRefusal`. */
export const parseAddress = (text: unknown): Address | AddressFault => {
  if (typeof text !== "string") return "type";
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return "syntax";
  }
  const { protocol, hostname } = url;
  const port = DEFAULT_PORTS[protocol];
  if (port === undefined) return "scheme";
  if (url.username !== "" || url.password !== "") return "user";
  if (hostname === "") return "host";
  if (url.port === "0") return "port";
  const isTcp = port === TCP_PORT;
  if (isTcp && url.pathname !== "" && url.pathname !== "/") return "path";
  if (isTcp && url.search !== "") return "query";
  if (url.hash !== "") return "hash";
  const known = url.port === "" ? port : Number(url.port);
  const host = hostname.replace(/^\[|\]$/g, "");
  const isTls = protocol === "tls:" || protocol === "wss:";
  return { url, isTcp, isTls, host, port: known, text: `${protocol}//${hostname}:${known}` };
};
