/** What a broker that runs can be told otherwise. */
import { checkKnown, OptionError } from "./option-checks.js";
import { type BrokerOptions, needsClientCertificate, resolveOptions, type Tls } from "./options.js";

export const TLS_NAMES = ["tcpTls", "httpTls", "grpcTls"] as const;

export const RELOADABLE = [...TLS_NAMES, "allowOrigin", "allowHost", "maxConnectionsPerAddress", "users"] as const;

/** The options that can change while a broker runs; what is left out stays as it is. */
export type ReloadOptions = Partial<Pick<BrokerOptions, (typeof RELOADABLE)[number]>>;

/**
 * Whether a port may go on with the one when it began with the other: with other files, but speaking TLS as before, and asking
 * clients for a certificate as before.
 */
export const isSameTls = (one: Tls | undefined, other: Tls | undefined): boolean => {
  if (one === undefined || other === undefined || one === "self-signed" || other === "self-signed")
    return one === other;
  return needsClientCertificate(one) === needsClientCertificate(other);
};

/**
 * The options that a broker runs with from now on.
 *
 * @throws RangeError for an option that cannot change, or is out of its range
 */
export const reloadedOptions = (running: BrokerOptions, given: ReloadOptions): BrokerOptions => {
  for (const name of Object.keys(given)) {
    if ((RELOADABLE as readonly string[]).includes(name) || !Object.hasOwn(running, name)) continue;
    throw new OptionError(
      name,
      `must stay as it is while the broker runs; what may change are ${RELOADABLE.join(", ")}`,
    );
  }
  checkKnown(given, RELOADABLE);
  const options = resolveOptions({ ...running, ...given });
  if (running.users.length > 0 && options.users.length === 0) {
    throw new OptionError(
      "users",
      "must be at least one where there are some: without any the broker is open to everybody",
    );
  }
  for (const name of TLS_NAMES) {
    if (isSameTls(running[name], options[name])) continue;
    throw new OptionError(name, "must stay as it is but for its files: anything else takes another start");
  }
  return options;
};
