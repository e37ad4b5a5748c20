/** Where the client of a socket comes from, and what its certificate says it is. */
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Origin } from "../native/connection-kind.js";
import { shareOf } from "./address-shares.js";

const NO_NAMES: readonly string[] = [];

/** More than any certificate has that tells programs apart. */
const MAX_NAMES = 64;

/**
 * The names in the certificate that the other side of a socket has shown and that its authority has signed: `CN=…`, and the
 * alternative names as `DNS:…`, `URI:…`, `email:…` or `IP Address:…`.
 */
export const certificateNames = (socket: Socket): readonly string[] => {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return NO_NAMES;
  const { subject, subjectaltname = "" } = socket.getPeerCertificate();
  const common: unknown = subject?.CN;
  const names = typeof common === "string" ? [`CN=${common}`] : [];
  // Node quotes a name that has a comma or a quote in it: such a one could be read as several, and names nobody.
  if (!subjectaltname.includes('"')) names.push(...subjectaltname.split(", ").filter((name) => name !== ""));
  return names.slice(0, MAX_NAMES);
};

export const originOf = (socket: Socket): Origin => ({
  address: shareOf(socket.remoteAddress ?? ""),
  names: certificateNames(socket),
});
