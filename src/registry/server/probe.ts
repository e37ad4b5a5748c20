/**
 * Asks a node whether it lives. Anybody can make a registry do this with any address, so it does little: GET /ping and
 * nothing else, no redirect followed, nothing read of the answer but its status, and nothing told but yes or no.
 */
import http from "node:http";
import https from "node:https";
import { connect } from "node:net";
import { parseNodeAddress } from "../discovery/node-address.js";

/** The head of an answer; more is no answer of a node. */
const MAX_HEAD_BYTES = 8192;

/** Whether GET /ping on an HTTP address is answered with 200. Without a scheme it may be HTTP or HTTPS. */
export const answersPing = async (address: string, timeout: number, closing?: AbortSignal): Promise<boolean> => {
  const parsed = parseNodeAddress(address);
  if (parsed === undefined) return false;
  const limit = AbortSignal.timeout(timeout);
  const signal = closing === undefined ? limit : AbortSignal.any([limit, closing]);
  const { scheme, host, port } = parsed;
  if (scheme === "https") return (await ping(https, host, port, signal)) === "ok";
  const outcome = await ping(http, host, port, signal);
  // A port of HTTPS ends the connection, or answers 400 to what is no handshake.
  if (outcome === "ok" || outcome === "unreachable" || scheme === "http") return outcome === "ok";
  return (await ping(https, host, port, signal)) === "ok";
};

type PingOutcome = "ok" | "refused" | "unreachable";

/** There is nothing behind the port, or not in time. */
const UNREACHABLE = new Set(["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND", "EAI_AGAIN", "ABORT_ERR"]);

const ping = (
  { request }: Pick<typeof http | typeof https, "request">,
  host: string,
  port: number,
  signal: AbortSignal,
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
      signal,
    } as const;
    const outgoing = request(options, (answer) => {
      resolve(answer.statusCode === 200 ? "ok" : "refused");
      outgoing.destroy();
    });
    outgoing.on("error", (error: NodeJS.ErrnoException) => {
      resolve(UNREACHABLE.has(error.code ?? "") ? "unreachable" : "refused");
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
    const socket = connect({ host: parsed.host, port: parsed.port, signal: AbortSignal.timeout(timeout) });
    socket.once("connect", () => {
      resolve(true);
      socket.destroy();
    });
    socket.on("error", () => resolve(false));
  });
