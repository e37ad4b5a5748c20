/**
 * Why no connection came about, in words: what was met at which address, and what to look at.
 */

import { localError, type RingmqError } from "../base/error.js";
import type { Address } from "./address.js";

/** The code of a system's error, wherever it stands; several addresses of one host fail together. */
const codeOf = (error: unknown): string => {
  const { code, errors } = Object(error) as { readonly code?: unknown; readonly errors?: unknown };
  if (typeof code === "string") return code;
  return Array.isArray(errors) && errors.length > 0 ? codeOf(errors[0]) : "";
};

const messageOf = (error: unknown): string => {
  const { message } = Object(error) as { readonly message?: unknown };
  return typeof message === "string" && message !== "" ? message : "no reason was given";
};

/** What the system calls it when names, ways and ports are not there. */
const words = (code: string, { host, port }: Address): string | undefined => {
  const place = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  switch (code) {
    case "ECONNREFUSED":
      return `nothing listens on ${place}`;
    case "ENOTFOUND":
      return `there is no host ${host}, for ${place}`;
    case "EAI_AGAIN":
      return `the name of host ${host}, for ${place}, cannot be looked up now`;
    case "ETIMEDOUT":
    case "EHOSTUNREACH":
    case "ENETUNREACH":
    case "EHOSTDOWN":
    case "EADDRNOTAVAIL":
      return `${place} cannot be reached`;
    case "ECONNRESET":
    case "EPIPE":
      return `${place} closed the connection at once`;
    case "EMFILE":
    case "ENFILE":
      return `no connection to ${place}: there are too many open files here`;
    default:
      return undefined;
  }
};

/** TLS names its errors in many ways: by itself, by the certificate, by OpenSSL. */
const isTls = (code: string, message: string): boolean =>
  /^(?:ERR_TLS|ERR_SSL|CERT_|EPROTO|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH)/.test(code) ||
  /certificate|SSL routines/i.test(message);

/** What a broker's other port, or something else that speaks HTTP, says to an upgrade. */
const upgradeWords = (status: string, { text, url }: Address): string => {
  const met = `${text} answers the upgrade of ${url.pathname} with HTTP ${status}`;
  if (status === "403") return `${met}: it does not take this Origin or Host`;
  if (status === "404") return `${met}: a broker's path is /mq`;
  return `${met}: is that a broker's HTTP port?`;
};

/** CONNECT_FAILED for what a transport met before it was open. */
export const connectFailure = (error: unknown, address: Address): RingmqError => {
  const code = codeOf(error);
  const message = messageOf(error);
  const [, status] = /Unexpected server response: (\d{3})/.exec(message) ?? [];
  // A library may say with its words alone what the system said with a code.
  const [, told = ""] = /\b(E[A-Z_]{3,}|EAI_AGAIN)\b/.exec(message) ?? [];
  const { url, text } = address;
  let why = status === undefined ? (words(code, address) ?? words(told, address)) : upgradeWords(status, address);
  if (why === undefined && url.protocol === "wss:" && isTls(code, message)) why = `TLS with ${text} failed: ${message}`;
  if (why === undefined && !address.isTcp && isNotHttp(code, message)) {
    why = `${text} does not answer in HTTP: is that a broker's TCP port, which takes tcp://${url.host}?`;
  }
  return localError("CONNECT_FAILED", why ?? `no connection to ${text}: ${message}`, error);
};

const isNotHttp = (code: string, message: string): boolean =>
  code.startsWith("HPE_") || /Parse Error|socket hang up/i.test(message);

/** CONNECT_FAILED: the other side hung up without a word of the protocol. */
export const hungUp = ({ text, isTcp, url }: Address, error: unknown): RingmqError => {
  const hint = isTcp ? `: is that a broker's TCP port? Its HTTP port takes ws://${url.host}/mq` : "";
  return localError("CONNECT_FAILED", `${text} closed the connection at once${hint}`, error);
};

/** As many bytes as tell what is not a frame. */
const FIRST = 16;

/**
 * CONNECT_FAILED when the first bytes over TCP are none of a broker, whose first frame is short and begins with 0;
 * undefined when they may be.
 */
export const notABroker = (first: Uint8Array, address: Address): RingmqError | undefined => {
  if (!address.isTcp || first.length === 0 || first[0] === 0) return undefined;
  const { text, url } = address;
  const said = String.fromCharCode(...first.subarray(0, FIRST)).replaceAll(/[^ -~]+.*$/gs, "");
  const why = said.startsWith("HTTP/")
    ? `${text} answers in HTTP: a broker's HTTP port takes ws://${url.host}/mq, and tcp:// its native port`
    : `what listens on ${text} is no broker: it says ${JSON.stringify(said)}`;
  return localError("CONNECT_FAILED", why);
};
