/** What the flags of `memmq` ask for: a server, a proxy or a client. */

import type { Address, BrokerOptions } from "../../main/options.js";
import { type SwitchFlag, type SwitchName, switchOptions } from "../broker-switches.js";
import type { LOG_LEVELS } from "../log-levels.js";
import {
  DEFAULT_DATA,
  DEFAULT_PORT,
  DEFAULT_SERVER,
  type RESOLVERS,
  type SELECTS,
  type TRANSPORTS,
} from "./memmq-flags.js";

export type Transport = (typeof TRANSPORTS)[number];

/** Where a server or a proxy listens. It always speaks TLS. */
export interface ListenSettings {
  readonly address: Address;
  readonly transport: Transport;
  /** PEM files. Undefined: a certificate that it makes. */
  readonly certificate: { readonly certFile: string; readonly keyFile: string } | undefined;
}

/** How a client or a proxy finds and reaches servers. */
export interface UpstreamSettings {
  readonly servers: readonly string[];
  readonly select: (typeof SELECTS)[number];
  readonly resolver: (typeof RESOLVERS)[number];
  /** After the first try. */
  readonly retries: number;
  readonly transport: Transport;
  /** What servers are shown; undefined: nothing. */
  readonly token: string | undefined;
  /** Whether certificates of servers are checked. */
  readonly verify: boolean;
  /** By whom: a PEM file. Undefined: by the authorities that Node.js knows. */
  readonly caFile: string | undefined;
}

export interface ServerSettings {
  readonly mode: "server";
  readonly listen: ListenSettings;
  /** The directory of messages that are kept. Undefined: they are not. */
  readonly data: string | undefined;
  readonly switches: Pick<BrokerOptions, SwitchName>;
}

export interface ProxySettings {
  readonly mode: "proxy";
  readonly listen: ListenSettings;
  readonly upstream: UpstreamSettings;
}

export interface ClientSettings {
  readonly mode: "client";
  readonly topic: string;
  readonly publish: boolean;
  readonly subscribe: boolean;
  /** Both, at a prompt where there is a terminal; own lines are not echoed. */
  readonly interactive: boolean;
  readonly upstream: UpstreamSettings;
}

export type MemmqSettings = ServerSettings | ProxySettings | ClientSettings;

/** As the parsers of the flags have left them; an empty text stands for none. */
export interface GivenFlags extends Partial<Readonly<Record<SwitchFlag, boolean | "">>> {
  readonly address?: Address | "";
  readonly cert_file?: string;
  readonly key_file?: string;
  readonly transport?: Transport | "";
  readonly persist?: boolean | "";
  readonly data?: string;
  readonly proxy?: boolean | "";
  readonly client?: boolean | "";
  readonly topic?: string;
  readonly publish?: boolean | "";
  readonly subscribe?: boolean | "";
  readonly i?: boolean | "";
  readonly servers?: readonly string[] | "";
  readonly select?: UpstreamSettings["select"] | "";
  readonly resolver?: UpstreamSettings["resolver"] | "";
  readonly retries?: number | "";
  readonly token?: string;
  readonly verify?: boolean | "";
  readonly ca_file?: string;
  readonly log_level?: (typeof LOG_LEVELS)[number] | "";
}

/** Flags contradict each other, or one is missing. The text says what to do. */
export class FlagsError extends Error {
  override readonly name = "FlagsError";
}

const DEFAULT_TRIES_AGAIN = 1;

type FlagName = keyof GivenFlags;

/** Of servers and proxies. */
const LISTENING: readonly FlagName[] = ["address", "cert_file", "key_file"];
/** Of clients and proxies. */
const UPSTREAM: readonly FlagName[] = ["servers", "select", "resolver", "retries", "token", "verify", "ca_file"];

/** Of servers. */
const SERVING: readonly FlagName[] = ["no_console", "no_openapi", "trace"];

/** Flags that make no sense in a mode, unless they say nothing. @throws FlagsError */
const refuse = (flags: GivenFlags, names: readonly FlagName[], why: string): void => {
  for (const name of names) {
    const value = flags[name];
    if (value !== undefined && value !== false && value !== "") throw new FlagsError(`--${name} ${why}`);
  }
};

/** `token`: the one of the environment. @throws FlagsError */
export const memmqSettings = (flags: GivenFlags, token?: string): MemmqSettings => {
  const interactive = flags.i === true;
  const isClient = flags.client === true || interactive;
  if (flags.proxy === true && isClient) {
    throw new FlagsError(`--proxy and ${interactive ? "-i" : "--client"} exclude each other: leave one of them out`);
  }
  if (isClient) {
    refuse(flags, LISTENING, "is for a server or a proxy, not for a client: leave it out");
    return clientSettings(flags, interactive, token);
  }
  refuse(flags, ["publish", "subscribe", "topic"], "is for a client: add --client");
  if (flags.proxy !== true) {
    refuse(flags, UPSTREAM, "is for a client or a proxy: add --client or --proxy");
    const isKept = flags.persist === true;
    if (flags.data && !isKept) throw new FlagsError("--data is the directory of --persist: add that, or leave it out");
    const data = isKept ? flags.data || DEFAULT_DATA : undefined;
    const switches = switchOptions((name) => (flags[name] === "" ? undefined : flags[name]));
    return { mode: "server", listen: listenSettings(flags), data, switches };
  }
  const servers = flags.servers || [];
  if (servers.length === 0) {
    throw new FlagsError("--proxy needs servers: --servers=127.0.0.1:8081,127.0.0.1:8082");
  }
  refuse(flags, SERVING, "is for a server: leave it out");
  refuse(flags, ["persist", "data"], "is for a server: a proxy has no messages of its own");
  return { mode: "proxy", listen: listenSettings(flags), upstream: upstreamSettings(flags, servers, token) };
};

const clientSettings = (flags: GivenFlags, interactive: boolean, token: string | undefined): ClientSettings => {
  if (!flags.topic) throw new FlagsError("a client needs a topic: --topic=example");
  refuse(flags, SERVING, "is for a server: leave it out");
  refuse(flags, ["persist", "data"], "is for a server: a client keeps nothing");
  const publish = interactive || flags.publish === true;
  const subscribe = interactive || flags.subscribe === true;
  if (!publish && !subscribe) throw new FlagsError("a client needs --publish, --subscribe, both, or -i");
  const servers = flags.servers || [];
  return {
    mode: "client",
    topic: flags.topic,
    publish,
    subscribe,
    interactive,
    upstream: upstreamSettings(flags, servers.length === 0 ? [DEFAULT_SERVER] : servers, token),
  };
};

const listenSettings = ({ address, cert_file, key_file, transport }: GivenFlags): ListenSettings => {
  if (!cert_file !== !key_file) {
    throw new FlagsError("--cert_file and --key_file go together: a certificate and its private key");
  }
  return {
    address: address || { host: "::", port: DEFAULT_PORT },
    transport: transport || "http",
    certificate: cert_file && key_file ? { certFile: cert_file, keyFile: key_file } : undefined,
  };
};

const upstreamSettings = (
  flags: GivenFlags,
  servers: readonly string[],
  token: string | undefined,
): UpstreamSettings => ({
  servers,
  select: flags.select || "all",
  resolver: flags.resolver || "ip",
  retries: flags.retries === undefined || flags.retries === "" ? DEFAULT_TRIES_AGAIN : flags.retries,
  transport: flags.transport || "http",
  token: flags.token || token || undefined,
  verify: flags.verify === true || Boolean(flags.ca_file),
  caFile: flags.ca_file || undefined,
});
