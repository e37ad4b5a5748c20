/** The flags and the configuration file of `gnode`, and the settings that they make. */
import { join } from "node:path";
import {
  type Address,
  type BrokerOptions,
  DEFAULT_HOST,
  DEFAULT_HTTP_PORT,
  DEFAULT_TCP_PORT,
} from "../../main/options.js";
import { SWITCH_FLAGS, SWITCH_NAMES, switchOptions } from "../broker-switches.js";
import { TOKEN_VARIABLE } from "../environment.js";
import { type FlagGroup, parseSwitch, wholeNumber } from "../go-flags.js";
import { parseListenAddress } from "../units.js";
import type { KnownKeys } from "./ini-file.js";
import { LOG_KEYS, parseLevel } from "./log-settings.js";
import { PORT_KEYS, portFiles } from "./port-settings.js";
import type { Settings } from "./settings.js";
import { parseToken, shownToken } from "./token-settings.js";
import { DEFAULT_REGISTRY, parseUrls } from "./urls.js";

/** What a 64-bit id has room for, and what it is reasonable to share traffic by. */
const MAX_NODE = 1024;
const MAX_WEIGHT = 1_000_000;

/** Ten years in seconds; gmq's own limit is one minute. */
const MAX_TTR = 10 * 365 * 24 * 3600;
const MAX_RETRIES = 65_534;
const MILLISECONDS = 1_000;

const parseId = wholeNumber(0, MAX_NODE);
const parseWeight = wholeNumber(0, MAX_WEIGHT);
const parseTtr = wholeNumber(0, MAX_TTR);
const parseRetries = wholeNumber(0, MAX_RETRIES);

export const GNODE_FLAGS: readonly FlagGroup[] = [
  {
    title: "Where it listens",
    flags: [
      {
        name: "tcp_addr",
        value: "address",
        description: "all protocols of TCP: host:port, or :port for all interfaces (default: 127.0.0.1:9503)",
        parse: parseListenAddress,
      },
      {
        name: "http_addr",
        value: "address",
        description: "HTTP and WebSocket, likewise (default: 127.0.0.1:9504)",
        parse: parseListenAddress,
      },
    ],
  },
  {
    title: "How clients find it",
    flags: [
      {
        name: "register_addr",
        value: "urls",
        description: `registries to register with, separated by commas; empty for none (default: ${DEFAULT_REGISTRY}, none with -etcd_endpoints)`,
        parse: parseUrls,
      },
      {
        name: "register_token",
        value: "token",
        description: `says who it is to registries that ask; others on this machine see flags, so rather set ${TOKEN_VARIABLE}`,
        parse: parseToken,
      },
      {
        name: "etcd_endpoints",
        value: "urls",
        description: "etcd to announce the node in, separated by commas (default: none)",
        parse: parseUrls,
      },
      {
        name: "report_tcp_addr",
        value: "address",
        description: "the TCP address to announce, where it is not -tcp_addr",
        parse: parseListenAddress,
      },
      {
        name: "report_http_addr",
        value: "address",
        description: "the HTTP address to announce, where it is not -http_addr",
        parse: parseListenAddress,
      },
      { name: "node_id", value: "n", description: "the node among all, 1 to 1024 (default: 1)", parse: parseId },
      {
        name: "node_weight",
        value: "n",
        description: "its share of the traffic, relative to other nodes (default: 1)",
        parse: parseWeight,
      },
    ],
  },
  {
    title: "Messages",
    flags: [
      {
        name: "msg_ttr",
        value: "seconds",
        description: "time to acknowledge a message before it is delivered again (default: 60)",
        parse: parseTtr,
      },
      {
        name: "msg_max_retry",
        value: "n",
        description: "deliveries after the first before a message is a dead letter (default: 5)",
        parse: parseRetries,
      },
      {
        name: "data_save_path",
        value: "dir",
        description: "directory of messages and log files (default: data/gnode)",
      },
    ],
  },
  SWITCH_FLAGS,
  {
    title: "Configuration and log",
    flags: [
      { name: "config_file", value: "file", description: "INI file with the same settings; flags beat it" },
      {
        name: "log_level",
        value: "n",
        description: "0 errors, 1 warnings, 2 information, 3 and 4 details (default: 2)",
        parse: parseLevel,
      },
    ],
  },
];

export const GNODE_KEYS: KnownKeys = {
  node: ["id", "weight", "msgTTR", "msgMaxRetry", "dataSavePath", "reportTcpaddr", "reportHttpaddr", ...SWITCH_NAMES],
  http_server: PORT_KEYS,
  // Its weight is in gmq's example file, and was never read.
  tcp_server: [...PORT_KEYS, "weight"],
  gregister: ["addr", "token"],
  log: LOG_KEYS,
};

export interface GnodeSettings {
  readonly broker: Partial<BrokerOptions>;
  /** The directory of messages and log files. */
  readonly directory: string;
  readonly registries: readonly string[];
  /** What registries are shown; undefined: nothing. */
  readonly registryToken: string | undefined;
  readonly etcd: readonly string[];
  /** What is announced: what it listens on, unless the operator says otherwise. */
  readonly reportTcp: Address;
  readonly reportHttp: Address;
  readonly id: number;
  readonly weight: number;
}

export const dataDirectory = (settings: Settings): string =>
  settings.value("data_save_path", ["node", "dataSavePath"], String) ?? join("data", "gnode");

/** As in gmq, a number of 0 means the default. ConfigError: a value of the file is wrong. */
export const gnodeSettings = (settings: Settings): GnodeSettings => {
  const directory = dataDirectory(settings);
  const id = settings.value("node_id", ["node", "id"], parseId) || 1;
  const ttr = settings.value("msg_ttr", ["node", "msgTTR"], parseTtr);
  const retries = settings.value("msg_max_retry", ["node", "msgMaxRetry"], parseRetries);
  const etcd = settings.value("etcd_endpoints", undefined, parseUrls) ?? [];
  const tcp = settings.value("tcp_addr", ["tcp_server", "addr"], parseListenAddress) ?? at(DEFAULT_TCP_PORT);
  const http = settings.value("http_addr", ["http_server", "addr"], parseListenAddress) ?? at(DEFAULT_HTTP_PORT);
  const tcpTls = portFiles(settings, "tcp_server");
  const httpTls = portFiles(settings, "http_server");
  const isUnset = etcd.length === 0 && !settings.has("register_addr");
  return {
    broker: {
      tcp,
      http,
      node: id,
      // Beside what a gmq of before may have left in the directory.
      data: join(directory, "ringmq"),
      ...switchOptions(
        (flag) => settings.value(flag, undefined, parseSwitch),
        (name) => settings.value(undefined, ["node", name], parseSwitch),
      ),
      ...(tcpTls && { tcpTls }),
      ...(httpTls && { httpTls }),
      ...(ttr ? { ttr: ttr * MILLISECONDS } : {}),
      ...(retries ? { retries } : {}),
    },
    directory,
    registries: registriesOf(settings) ?? (isUnset ? [DEFAULT_REGISTRY] : []),
    registryToken: shownToken(settings, "register_token", ["gregister", "token"]),
    etcd,
    reportTcp: settings.value("report_tcp_addr", ["node", "reportTcpaddr"], parseListenAddress) ?? tcp,
    reportHttp: settings.value("report_http_addr", ["node", "reportHttpaddr"], parseListenAddress) ?? http,
    id,
    weight: settings.value("node_weight", ["node", "weight"], parseWeight) || 1,
  };
};

const at = (port: number): Address => ({ host: DEFAULT_HOST, port });

/** An empty flag also beats the file: it turns registration off. */
const registriesOf = (settings: Settings): readonly string[] | undefined =>
  settings.has("register_addr") && settings.flags["register_addr"] === ""
    ? []
    : settings.value("register_addr", ["gregister", "addr"], parseUrls);
