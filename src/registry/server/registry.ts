/** A registry: its list of nodes, the pings that keep it true, and the port where it is asked. */
import type { AddressInfo } from "node:net";
import { isLoopback } from "../../protocol/loopback.js";
import { Directory } from "./directory.js";
import { Health } from "./health.js";
import { openHttpPort } from "./http-port.js";
import { type RegistryCertificate, type RegistryOptions, type ResolvedOptions, resolveOptions } from "./options.js";
import { Requests } from "./requests.js";
import { TableFile } from "./table-file.js";

export interface Registry {
  /** Where it listens. */
  readonly address: AddressInfo;
  /**
   * Serves HTTPS with another certificate from now on; connections that are open keep the one they have. Throws when it
   * is none, and without `tls` from the start; nothing changes then.
   */
  renewCertificate(tls: RegistryCertificate): void;
  /** Stops; requests under way are answered as far as that takes no longer than `closeTimeout`. */
  close(): Promise<void>;
}

/**
 * Starts a registry.
 *
 * @throws RangeError when an option is out of its range.
 * @throws ListenError when the address cannot be had.
 * @throws the error of the file system when `data` cannot be used.
 */
export const startRegistry = async (given: RegistryOptions): Promise<Registry> => {
  const options = resolveOptions(given);
  const file = options.data === undefined ? undefined : new TableFile(options.data);
  const directory = new Directory(file, options.log);
  const port = await openHttpPort(new Requests(directory, options), options);
  warnOfExposure(options);
  const health = new Health(directory, options);
  let closed: Promise<unknown> | undefined;
  return {
    address: port.address,
    renewCertificate: port.renewCertificate,
    close: async () => {
      closed ??= Promise.all([port.close(options.closeTimeout), health.close()]).then(() => directory.close());
      await closed;
    },
  };
};

/** Of a port that other machines reach, without tokens or without TLS. */
const warnOfExposure = ({ http, tokens, tls, log }: ResolvedOptions): void => {
  if (isLoopback(http.host)) return;
  if (tokens.length === 0) log.warn({ http: http.host }, OPEN);
  else if (tls === undefined) log.warn({ http: http.host }, READABLE);
};

const OPEN =
  "anybody who reaches this address can list, add and remove nodes, and so lead clients elsewhere: give the registry a token, and TLS, " +
  "or have it listen on 127.0.0.1";

const READABLE =
  "tokens that are sent to this address can be read on their way: give the registry a certificate, or have it listen on 127.0.0.1";
