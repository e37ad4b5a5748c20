/** How a client of a front end says who it is before all else, in a protocol that has words for that. */
import type { Socket } from "node:net";
import type { Log } from "../log.js";
import { guard } from "../native/error-boundary.js";
import type { FrontEnd } from "./front-end.js";
import type { Reading } from "./read-buffer.js";

/** More than any token and the words around it. */
const MAX_BYTES = 2 * 1024;

/** Milliseconds for all of it. */
const TIME = 10_000;

/**
 * Calls `then` with the token that the client shows, undefined where it shows none, and the bytes that are left. Whoever begins to show
 * one and does not come to an end is gone.
 */
export const awaitIntroduction = (
  { introduction }: FrontEnd,
  socket: Socket,
  reading: Reading,
  first: Buffer,
  log: Log,
  then: (token: string | undefined, rest: Buffer) => void,
): void => {
  const found = introduction?.(first);
  if (found !== "partial") return then(found?.token, first.subarray(found?.end ?? 0));
  const timer = setTimeout(() => socket.destroy(), TIME).unref();
  socket.once("close", () => clearTimeout(timer));
  // The bytes are the socket's again.
  let held: Buffer = Buffer.from(first);
  const read = (bytes: Buffer): void => {
    held = Buffer.concat([held, bytes]);
    const shown = introduction?.(held);
    if (shown !== "partial") {
      clearTimeout(timer);
      then(shown?.token, held.subarray(shown?.end ?? 0));
    } else if (held.length > MAX_BYTES) socket.destroy();
  };
  reading.onRead = (bytes, _view, length) =>
    guard(
      log,
      "a new socket",
      () => read(bytes.subarray(0, length)),
      () => socket.destroy(),
    );
};
