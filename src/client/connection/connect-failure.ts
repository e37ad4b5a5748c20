/**
 * The texts of CONNECT_FAILED: what happened at which address, and what to check.
 */
import { isLoopback } from "../../protocol/loopback.js";
import { localError, type RingmqError } from "../base/error.js";
import type { Address } from "./address.js";
import { CLIENT_CERTIFICATE_HINT, isTlsFailure, tlsFailure } from "./tls-failure.js";

/** The code of a system error; of the first one when several addresses of a host have failed. */
const codeOf = (error: unknown): string => {
  const { code, errors } = Object(error) as { readonly code?: unknown; readonly errors?: unknown };
  if (typeof code === "string") return code;
  return Array.isArray(errors) && errors.length > 0 ? codeOf(errors[0]) : "";
};

const messageOf = (error: unknown): string => {
  const { message } = Object(error) as { readonly message?: unknown };
  return typeof message === "string" && message !== "" ? message : "no reason was given";
};

const tlsHint = (isTcp: boolean, place: string): string =>
  `does it speak TLS? Then it takes ${isTcp ? "tls" : "wss"}://${place}`;

/** For an address of this machine: it is up to whoever reads this. */
const START = ": is a broker running there? Start one with ringmq serve";

/** The text for an error code of the system. */
const systemFailure = (code: string, { host, port, isTls, isTcp }: Address): string | undefined => {
  const place = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  switch (code) {
    case "ECONNREFUSED":
      return `nothing listens on ${place}${isLoopback(host) ? START : ""}`;
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
      return `${place} closed the connection at once: ${isTls ? CLIENT_CERTIFICATE_HINT : tlsHint(isTcp, place)}`;
    case "EMFILE":
    case "ENFILE":
      return `no connection to ${place}: there are too many open files here`;
    default:
      return undefined;
  }
};

/** The text for an HTTP server that refuses the upgrade. */
const upgradeFailure = (status: string, { text, url }: Address): string => {
  const refusal = `${text} answers the upgrade of ${url.pathname} with HTTP ${status}`;
  if (status === "403") return `${refusal}: it does not take this Origin or Host`;
  if (status === "404") return `${refusal}: a broker's path is /mq`;
  return `${refusal}: is that a broker's HTTP port?`;
};

/** CONNECT_FAILED for an error of a transport that has not opened. */
export const connectFailure = (error: unknown, address: Address): RingmqError => {
  const code = codeOf(error);
  const message = messageOf(error);
  const [, status] = /Unexpected server response: (\d{3})/.exec(message) ?? [];
  // A library may repeat the system's code in its text alone.
  const [, codeInText = ""] = /\b(E[A-Z_]{3,}|EAI_AGAIN)\b/.exec(message) ?? [];
  const { url, text } = address;
  let why =
    status === undefined
      ? (systemFailure(code, address) ?? systemFailure(codeInText, address))
      : upgradeFailure(status, address);
  if (why === undefined && address.isTls && isTlsFailure(code, message)) why = tlsFailure(code, message, address);
  if (why === undefined && !address.isTcp && isNotHttp(code, message)) {
    const tls = address.isTls ? "" : ` Or does it speak TLS, which takes wss://${url.host}?`;
    const scheme = address.isTls ? "tls" : "tcp";
    why = `${text} does not answer in HTTP: is that a broker's TCP port, which takes ${scheme}://${url.host}?${tls}`;
  }
  return localError("CONNECT_FAILED", why ?? `no connection to ${text}: ${message}`, error);
};

const isNotHttp = (code: string, message: string): boolean =>
  code.startsWith("HPE_") || /Parse Error|socket hang up/i.test(message);

/** CONNECT_FAILED: the other side closed the connection before HELLO. */
export const hungUp = (address: Address, error: unknown): RingmqError => {
  const { text, isTcp, isTls, url } = address;
  const code = codeOf(error);
  const message = messageOf(error);
  // A broker that asks for a certificate closes the connection when the client's part of the handshake is over.
  if (isTls && isTlsFailure(code, message)) {
    return localError("CONNECT_FAILED", tlsFailure(code, message, address), error);
  }
  let hint = "";
  if (isTls) hint = `: ${CLIENT_CERTIFICATE_HINT}`;
  else if (isTcp) {
    hint = `: is that a broker's TCP port? Its HTTP port takes ws://${url.host}/mq, and with TLS it takes tls://${url.host}`;
  }
  return localError("CONNECT_FAILED", `${text} closed the connection at once${hint}`, error);
};

/** Bytes that the text quotes of what is not a frame. */
const QUOTED_BYTES = 16;

/**
 * CONNECT_FAILED when the first bytes over TCP are not a broker's; undefined when they may be. The length field of a
 * broker's first frame begins with 0, because that frame is short.
 */
export const notABroker = (first: Uint8Array, address: Address): RingmqError | undefined => {
  if (!address.isTcp || first.length === 0 || first[0] === 0) return undefined;
  const { text, url, isTls } = address;
  const [tcp, ws] = isTls ? ["tls", "wss"] : ["tcp", "ws"];
  const said = String.fromCharCode(...first.subarray(0, QUOTED_BYTES)).replaceAll(/[^ -~]+.*$/gs, "");
  const why = said.startsWith("HTTP/")
    ? `${text} answers in HTTP: a broker's HTTP port takes ${ws}://${url.host}/mq, and ${tcp}:// its native port`
    : `what listens on ${text} is no broker: it says ${JSON.stringify(said)}`;
  return localError("CONNECT_FAILED", why);
};
