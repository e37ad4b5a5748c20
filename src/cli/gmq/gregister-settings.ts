/** The flags and the configuration file of `gregister`. */
import type { Address } from "../../main/options.js";
import type { TokenOptions } from "../../main/user-options.js";
import type { FlagGroup } from "../go-flags.js";
import { parseListenAddress } from "../units.js";
import type { KnownKeys } from "./ini-file.js";
import { LOG_KEYS } from "./log-settings.js";
import { PORT_KEYS, type PortFiles, portFiles } from "./port-settings.js";
import type { Settings } from "./settings.js";
import { HASH_VARIABLE, parseTokenHashes, takenTokens } from "./token-settings.js";

const DEFAULT_ADDRESS: Address = { host: "127.0.0.1", port: 9595 };

export const GREGISTER_FLAGS: readonly FlagGroup[] = [
  {
    title: "Flags",
    flags: [
      {
        name: "http_addr",
        value: "address",
        description: "where it listens: host:port, or :port for all interfaces (default: 127.0.0.1:9595)",
        parse: parseListenAddress,
      },
      {
        name: "data_save_path",
        value: "dir",
        description: "directory of its list, which then survives a restart (default: none; nodes register again)",
      },
      {
        name: "token_hash",
        value: "hashes",
        description: `tokens, one of which is to be shown, as \`ringmq token\` prints their hashes, separated by commas; or ${HASH_VARIABLE} (default: none, and nobody is asked)`,
        parse: parseTokenHashes,
      },
      { name: "config_file", value: "file", description: "INI file with the same settings; flags beat it" },
    ],
  },
];

export const GREGISTER_KEYS: KnownKeys = {
  register: ["dataSavePath", "tokenHash"],
  http_server: PORT_KEYS,
  log: LOG_KEYS,
};

export interface GregisterSettings {
  readonly http: Address;
  readonly directory: string | undefined;
  /** Empty: nobody is asked. */
  readonly tokens: readonly TokenOptions[];
  readonly tls: PortFiles | undefined;
  /** The address is that of a node's HTTP port: the file was written for a gnode. */
  readonly isOfNode: boolean;
}

/** ConfigError: a value of the file is wrong. */
export const gregisterSettings = (settings: Settings): GregisterSettings => ({
  http: settings.value("http_addr", ["http_server", "addr"], parseListenAddress) ?? DEFAULT_ADDRESS,
  directory: settings.value("data_save_path", ["register", "dataSavePath"], String),
  tokens: takenTokens(settings),
  tls: portFiles(settings, "http_server"),
  isOfNode: settings.file?.hasSection("tcp_server") === true && !settings.has("http_addr"),
});
