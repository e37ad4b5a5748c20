/** Listening on a port, and why it cannot be had, in words that tell what to do. */
import { type AddressInfo, createServer, type Server } from "node:net";
import { ListenError } from "../listen-error.js";
import type { Address } from "../options.js";

export const formatAddress = ({ host, port }: Address): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;

/** Of a port that listens everywhere: no browser goes to such an address. */
export const browserAddress = ({ host, port }: Address): string =>
  formatAddress({ host: host === "0.0.0.0" || host === "::" ? "localhost" : host, port });

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: "the port is in use; is another broker, a registry or a gmq still running? Stop it, or take another port",
  EACCES: "this user may not open the port",
  EADDRNOTAVAIL: "this machine does not have the address",
  ENOTFOUND: "there is no such host",
};

const explainListenError = (what: string, address: Address, error: NodeJS.ErrnoException): ListenError => {
  const reason = REASONS[error.code ?? ""] ?? error.message;
  return new ListenError(`cannot listen for ${what} on ${formatAddress(address)}: ${reason}`, { cause: error });
};

/**
 * Listens; what the port is for goes into the text of an error.
 *
 * @throws ListenError when the address cannot be had.
 */
export const listenOn = (server: Server, what: string, { host, port }: Address): Promise<AddressInfo> =>
  new Promise((resolve, reject) => {
    const failed = (error: Error): void => {
      server.off("listening", listening);
      reject(explainListenError(what, { host, port }, error));
    };
    const listening = (): void => {
      server.off("error", failed);
      const address = server.address();
      if (address === null || typeof address === "string") return reject(new Error("a TCP port has an address"));
      resolve(address);
    };
    server.once("error", failed);
    server.once("listening", listening);
    server.listen(port, host);
  });

/** uWebSockets.js says only that it could not listen: tries the same with node:net, which says why. */
export const findListenError = (what: string, address: Address): Promise<ListenError> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error) => resolve(explainListenError(what, address, error)));
    server.listen(address.port, address.host, () => {
      server.close();
      resolve(new ListenError(`cannot listen for ${what} on ${formatAddress(address)}`));
    });
  });
