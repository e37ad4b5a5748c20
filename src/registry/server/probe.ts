/**
 * Asks a node whether it lives. Anybody can make a registry do this with any address, so it does little: GET /ping and
 * nothing else, no redirect followed, nothing read of the answer but its status, and nothing told but yes or no.
 */
import http, { type ClientRequest } from "node:http";
import https from "node:https";
import { connect } from "node:net";
import { parseNodeAddress } from "../discovery/node-address.js";

/** The head of an answer; more is no answer of a node. */
const MAX_HEAD_BYTES = 8192;

export type PingScheme = "http" | "https";

const CLIENTS = { http, https } as const satisfies Record<PingScheme, unknown>;

export interface PingOptions {
  /** Which scheme is tried first on an address without one. Default `http`. */
  readonly hint?: PingScheme | undefined;
  /** Pings under way, for whoever may want to end them: see {@link endPings}. */
  readonly underWay?: Set<ClientRequest>;
}

/**
 * Asks GET /ping on an HTTP address, and returns the scheme under which it was answered with 200; undefined: under none.
 * Where the address has no scheme both are tried, since a node says only host and port. A port of HTTPS that is asked in
 * plain text may well log that: who pings it often gives a hint.
 */
export const answersPing = async (
  address: string,
  timeout: number,
  { hint = "http", underWay = new Set() }: PingOptions = {},
): Promise<PingScheme | undefined> => {
  const parsed = parseNodeAddress(address);
  if (parsed === undefined) return undefined;
  const end = performance.now() + timeout;
  for (const scheme of schemesOf(parsed.scheme, hint)) {
    const outcome = await ping(scheme, parsed.host, parsed.port, end - performance.now(), underWay);
    if (outcome === "ok") return scheme;
    if (outcome === "unreachable") return undefined;
  }
  return undefined;
};

/** They are as good as unanswered. */
export const endPings = (underWay: ReadonlySet<ClientRequest>): void => {
  for (const outgoing of underWay) outgoing.destroy(ended());
};

const ended = (): Error => Object.assign(new Error("ended"), { code: "ABORT_ERR" });

const schemesOf = (given: string | undefined, hint: PingScheme): readonly PingScheme[] => {
  if (given === "http" || given === "https") return [given];
  return hint === "http" ? ["http", "https"] : ["https", "http"];
};

type PingOutcome = "ok" | "refused" | "unreachable";

/** There is nothing behind the port, or not in time. */
const UNREACHABLE = new Set(["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND", "EAI_AGAIN", "ABORT_ERR"]);

/** A node that lets in nobody without a certificate lives. This is how TLS 1.3 says so. */
const CERTIFICATE_REQUIRED = "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED";

const ping = (
  scheme: PingScheme,
  host: string,
  port: number,
  timeout: number,
  underWay: Set<ClientRequest>,
): Promise<PingOutcome> =>
  new Promise((resolve) => {
    const options = {
      host,
      port,
      path: "/ping",
      // No agent: no connection is kept, and none of another ping is used.
      agent: false,
      maxHeaderSize: MAX_HEAD_BYTES,
      // It is asked whether something answers, not who: nodes have certificates that they made themselves.
      rejectUnauthorized: false,
    } as const;
    const outgoing = CLIENTS[scheme].request(options, (answer) => {
      resolve(answer.statusCode === 200 ? "ok" : "refused");
      outgoing.destroy();
    });
    underWay.add(outgoing);
    const limit = setTimeout(() => outgoing.destroy(ended()), Math.max(0, timeout));
    outgoing.once("close", () => {
      clearTimeout(limit);
      underWay.delete(outgoing);
    });
    outgoing.on("error", ({ code = "" }: NodeJS.ErrnoException) => {
      if (code === CERTIFICATE_REQUIRED) resolve("ok");
      else resolve(UNREACHABLE.has(code) ? "unreachable" : "refused");
    });
    // A switch of protocols, which would wait for somebody to take it up.
    outgoing.on("upgrade", (_, socket) => {
      resolve("refused");
      socket.destroy();
    });
    outgoing.end();
  });

/** Whether a TCP address accepts a connection. Nothing is sent on it. */
export const acceptsTcp = (address: string, timeout: number): Promise<boolean> =>
  new Promise((resolve) => {
    const parsed = parseNodeAddress(address);
    if (parsed === undefined) return resolve(false);
    const socket = connect({ host: parsed.host, port: parsed.port });
    const limit = setTimeout(() => socket.destroy(ended()), timeout);
    socket.once("connect", () => {
      resolve(true);
      socket.destroy();
    });
    socket.on("error", () => resolve(false));
    socket.once("close", () => clearTimeout(limit));
  });
