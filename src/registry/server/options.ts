/** What a registry can be told, the defaults, and why each number is what it is. Times are milliseconds. */
import { type Log, SILENT } from "../../main/log.js";
import type { Address } from "../../main/options.js";
import { checkToken, type TokenOptions } from "../../main/user-options.js";

/** PEM. */
export interface RegistryCertificate {
  /** With those between it and its authority behind it. */
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
}

export interface RegistryOptions {
  /** Where it listens. */
  readonly http: Address;
  /** The directory where it keeps its list, made when it is not there. Default: none, the list is gone with the process. */
  readonly data?: string | undefined;
  /** Who may use it: whoever shows one of these. At most 64. Default: none, and anybody who reaches it may. */
  readonly tokens?: readonly TokenOptions[];
  /** Serves HTTPS instead of HTTP. */
  readonly tls?: RegistryCertificate | undefined;
  /** Between two pings of a node. Default 2,000. */
  readonly pingInterval?: number;
  /** How long a ping may take, and all that is tried to reach a node that registers. Default 2,000. */
  readonly pingTimeout?: number;
  /** Pings in a row that a node leaves unanswered before it is dropped. Default 3. */
  readonly maxMissedPings?: number;
  /** How long a dropped node is pinged, to be taken back when it answers. Default 24 hours. */
  readonly dropMemory?: number;
  /** How long `close` waits for requests that are being answered. Default 2,000. */
  readonly closeTimeout?: number;
  /** How long a request may take to come whole, and a handshake of TLS. Default 10,000. */
  readonly requestTimeout?: number;
  /** How long a connection stays on which nothing moves. Default 30,000. */
  readonly idleTimeout?: number;
  /** Origins whose pages may use it; `*` for all. Default: none but its own. */
  readonly allowOrigin?: readonly string[];
  /** Names that `Host` may have beside addresses and `localhost` where it listens on loopback. Default: none. */
  readonly allowHost?: readonly string[];
  /** Default: silent. */
  readonly log?: Log;
}

export type ResolvedOptions = Required<RegistryOptions>;

const DEFAULTS = {
  data: undefined,
  tokens: [],
  tls: undefined,
  // A node that is killed is off the list after about 6 s: clients that fail over on their own notice earlier.
  pingInterval: 2000,
  pingTimeout: 2000,
  // One or two are lost when a machine is busy.
  maxMissedPings: 3,
  // A machine that is repaired on the next day.
  dropMemory: 86_400_000,
  closeTimeout: 2000,
  requestTimeout: 10_000,
  // A node asks every three seconds.
  idleTimeout: 30_000,
  allowOrigin: [],
  allowHost: [],
  log: SILENT,
} as const;

const MAX_TOKENS = 64;

/** Longer ones do not fit a timer. */
const MAX_TIME = 2 ** 31 - 1;

const TIMES = [
  "pingInterval",
  "pingTimeout",
  "dropMemory",
  "closeTimeout",
  "requestTimeout",
  "idleTimeout",
] as const satisfies readonly (keyof RegistryOptions)[];

/** RangeError: an option is out of its range. */
export const resolveOptions = (given: RegistryOptions): ResolvedOptions => {
  const options = { ...DEFAULTS, ...given };
  for (const name of TIMES) {
    const value = options[name];
    if (value >= 1 && value <= MAX_TIME) continue;
    throw new RangeError(`${name} must be from 1 to ${MAX_TIME} ms; it is ${value}`);
  }
  if (!Number.isInteger(options.maxMissedPings) || options.maxMissedPings < 1) {
    throw new RangeError(`maxMissedPings must be a whole number from 1; it is ${options.maxMissedPings}`);
  }
  if (options.tokens.length > MAX_TOKENS) throw new RangeError(`tokens must be a list of at most ${MAX_TOKENS}`);
  options.tokens.forEach((token, i) => void checkToken(`tokens[${i}]`, token));
  if (options.data === "") throw new RangeError("data must be the path of a directory; it is empty");
  return options;
};
