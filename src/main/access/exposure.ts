/** What of a broker others than this machine can reach, and what they can do there. */

import { isLoopback } from "../../protocol/loopback.js";
import type { Log } from "../log.js";
import type { BrokerOptions } from "../options.js";

const PORTS = [
  ["tcp", "tcpTls"],
  ["http", "httpTls"],
  ["grpc", "grpcTls"],
] as const;

type Exposed = Pick<BrokerOptions, (typeof PORTS)[number][number] | "users">;

const OPEN =
  "anybody who reaches these addresses can read, change and delete everything: give the broker users, and TLS, or have it listen on " +
  "127.0.0.1; docs/operations.md, Permissions, tells how";

const READABLE =
  "tokens that are sent to these addresses can be read on their way: give the broker a certificate, or have it listen on 127.0.0.1; " +
  "docs/operations.md, TLS, tells how";

/** Warns of ports that are open to other machines, without users or without TLS. */
export const warnOfExposure = (options: Exposed, log: Log): void => {
  const reached = PORTS.flatMap(([port, tls]) => {
    const address = options[port];
    return address === "off" || isLoopback(address.host)
      ? []
      : [{ port, host: address.host, isTls: options[tls] !== undefined }];
  });
  if (options.users.length === 0) warn(reached, OPEN, log);
  else
    warn(
      reached.filter(({ isTls }) => !isTls),
      READABLE,
      log,
    );
};

const warn = (reached: readonly { readonly port: string; readonly host: string }[], text: string, log: Log): void => {
  if (reached.length > 0) log.warn(Object.fromEntries(reached.map(({ port, host }) => [port, host])), text);
};
