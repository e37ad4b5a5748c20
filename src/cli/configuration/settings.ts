/**
 * What `ringmq serve` can be told: the one description of it that flags, variables, the configuration file, its check and
 * the documentation are made of.
 */
import type { DurabilityName } from "../../main/limits.js";
import { type BrokerOptions, HTTP_ENGINES, resolveOptions } from "../../main/options.js";
import { SWITCHES, type SwitchName } from "../broker-switches.js";
import { ENVIRONMENT } from "../environment.js";
import { LOG_FORMATS, LOG_LEVELS } from "../log-levels.js";
import { ADDRESS, COUNT, choiceOf, type Kind, LIST, SIZE, SWITCH, SWITCH_OFF, TEXT, TIME, TLS_PORTS } from "./kinds.js";

export interface Setting {
  /** In camel case. Of `BrokerOptions` where the broker has such an option. */
  readonly name: string;
  /** `--max-connections`; `--no-console`. */
  readonly flag: string;
  /** What the flag takes: `n`. Undefined: nothing, it is a switch. */
  readonly value: string | undefined;
  /** `RINGMQ_MAX_CONNECTIONS`. */
  readonly variable: string;
  /** Where it is in a file: `[limits]` and `maxConnections`. */
  readonly section: string;
  readonly key: string;
  readonly kind: Kind;
  readonly description: string;
  /** The default as the flag takes it, or in words. Empty: none. */
  readonly fallback: string;
}

/** `<n>`, `<size>`: what a flag of the kind takes, unless its row says otherwise. */
const VALUES = new Map<Kind, string>([
  [ADDRESS, "address"],
  [COUNT, "n"],
  [SIZE, "size"],
  [TIME, "time"],
]);

const DURABILITIES: readonly DurabilityName[] = ["fsync", "write", "memory"];

const kebab = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** `tlsCert` is `cert` in the section `tls`. */
const keyOf = (section: string, name: string): string => {
  const rest = name.startsWith(section) ? name.slice(section.length) : "";
  return /^[A-Z]/.test(rest) ? rest.charAt(0).toLowerCase() + rest.slice(1) : name;
};

/** The row of a setting: name and what its flag takes (`logFile file`), kind, description, default. */
type Row = readonly [named: string, kind: Kind, description: string, fallback?: string];

const rowsOf = (): Readonly<Record<string, readonly Row[]>> => {
  const defaults = resolveOptions();
  /** A default that depends on nothing is that of the broker. */
  const fixed = (name: keyof BrokerOptions, kind: Kind, description: string, value = ""): Row => [
    `${name} ${value}`.trimEnd(),
    kind,
    description,
    String(kind.write(defaults[name])),
  ];
  const switchRow = (name: SwitchName): Row => {
    const { isOn, description } = SWITCHES[name];
    return isOn ? fixed(name, SWITCH_OFF, description) : [name, SWITCH, description];
  };
  return {
    listen: [
      fixed(
        "tcp",
        ADDRESS,
        "native protocol: host:port, [IPv6]:port, :port (all interfaces), port (this machine), or off",
      ),
      fixed("http", ADDRESS, "HTTP, and WebSocket on /mq: as --tcp"),
      fixed("grpc", ADDRESS, "gRPC, memmq's service mq.MQ: as --tcp"),
      [
        "metricsAddress address",
        ADDRESS,
        "an address of its own for /metrics, /healthz and /readyz: as --tcp; off: no /metrics",
        "the HTTP port",
      ],
      fixed(
        "metricsTopics",
        COUNT,
        "topics with series of their own in /metrics, the first by their names, up to 1000",
      ),
      fixed(
        "httpEngine",
        choiceOf(HTTP_ENGINES),
        "what serves HTTP: uws (uWebSockets.js), node (node:http and ws), or auto, the first that loads",
        "engine",
      ),
      switchRow("console"),
      switchRow("openapi"),
      ["allowOrigin origin", LIST, "sites whose pages may use HTTP and WebSocket, separated by commas; * for all"],
      ["allowHost name", LIST, "names of the broker besides addresses and localhost, separated by commas"],
      ["gmqIdentity user", TEXT, "user that clients of gmq's TCP protocols are, which have no tokens"],
      ["allowBackup", SWITCH, "lets clients on other machines request a backup"],
    ],
    tls: [
      ["tlsCert file", TEXT, "TLS: the broker's certificate in PEM, with those between it and its authority"],
      ["tlsKey file", TEXT, "TLS: the private key of the certificate in PEM"],
      ["tlsClientCa file", TEXT, "TLS: clients must present a certificate that this authority (PEM) has signed"],
      ["tlsSelfSigned", SWITCH, "TLS: the broker makes its certificate, and keeps it in --data"],
      [
        "tlsPorts ports",
        TLS_PORTS,
        "ports that speak TLS when there is a certificate: tcp, http, grpc, or some of them",
        "all",
      ],
    ],
    journal: [
      ["data dir", TEXT, "directory of the journal, for one broker at a time", "ringmq-data"],
      fixed(
        "durability",
        choiceOf(DURABILITIES),
        "what a confirm waits for: fsync (the disk), write (the system), or memory (nothing; no journal)",
        "level",
      ),
      fixed("segmentBytes", SIZE, "size of a journal file, 64kb to 1gb"),
      fixed("diskReserve", SIZE, "free space below which publishes are refused"),
    ],
    broker: [
      fixed("node", COUNT, "number of this broker, 1 to 1024, which is part of message ids", "id"),
      fixed("shards", COUNT, "threads that own messages"),
      [
        "memory",
        SIZE,
        "memory budget for messages, all shards together, at least 16mb per shard",
        "half of the machine's",
      ],
      fixed("ringBytes", SIZE, "size of each ring between two threads, a power of two"),
      fixed("shardTimeout", TIME, "time without progress after which a shard's thread is replaced"),
      fixed("closeTimeout", TIME, "time to finish requests when the broker stops"),
    ],
    limits: [
      fixed("maxMessageBytes", SIZE, "size of a message, headers and body"),
      fixed("maxFrameBytes", SIZE, "size of a frame of the native protocol"),
      fixed("maxBatchMessages", COUNT, "messages in a batch"),
      fixed("maxInFlight", COUNT, "unanswered requests of a connection"),
      fixed("maxNameBytes", COUNT, "bytes in the name of a topic, channel or queue"),
      fixed("maxConnections", COUNT, "connections over TCP, WebSocket and HTTP"),
      ["maxConnectionsPerAddress", COUNT, "TCP and WebSocket connections from one address", "60% of --max-connections"],
      fixed("maxTopics", COUNT, "topics of a shard, and as many channels"),
      [
        "maxTopicsPerConnection",
        COUNT,
        "topics of a shard that one connection may have created",
        "half of --max-topics",
      ],
      fixed("maxQueues", COUNT, "queues of a topic"),
      fixed("maxConsumers", COUNT, "consumers, waiting pops and subscriptions of a shard"),
      ["maxConsumersPerConnection", COUNT, "those of one connection", "a quarter of --max-consumers"],
      fixed("maxOutgoingBytes", SIZE, "unsent bytes above which a connection is not read, at least 64kb"),
      [
        "maxUnsentBytes",
        SIZE,
        "unsent bytes of all connections, above which those with the most are closed",
        "64mb to 256mb by --memory",
      ],
      [
        "maxAssemblyBytes",
        SIZE,
        "memory for partly received frames, and as much for input that waits for busy shards",
        "a quarter of memory up to 256mb",
      ],
      fixed("helloTimeout", TIME, "time for a connection to send HELLO"),
    ],
    topics: [
      fixed("topicIdle", TIME, "time without use after which an empty topic is forgotten"),
      fixed("ttr", TIME, "time that a consumer may hold a message, for topics that are not configured"),
      fixed("retries", COUNT, "deliveries after the first before a message is dead, likewise"),
    ],
    channels: [
      ["persist", SWITCH, "keeps the messages of channels that are not configured otherwise"],
      ["keepMessages", COUNT, "messages that such a channel keeps, the newest", "no limit"],
      ["keepBytes", SIZE, "bytes that it keeps", "no limit"],
      ["keepAge", TIME, "time that it keeps a message", "no limit"],
      fixed("history", COUNT, "messages that a channel which is not kept has in memory for subscribers that resume"),
      fixed("historyBytes", SIZE, "bytes of them"),
      fixed("historyIdle", TIME, "time that they stay after the last subscriber has gone"),
    ],
    log: [
      ["logLevel level", choiceOf(LOG_LEVELS), "lowest level to log: debug, info, warn, error or silent", "info"],
      ["logFormat format", choiceOf(LOG_FORMATS), "text for people, or json for programs", "text"],
      ["logFile file", TEXT, "file that the log is appended to in place of standard error; SIGHUP opens it anew"],
      switchRow("trace"),
    ],
  };
};

const settingOf = (section: string, [named, kind, description, fallback = ""]: Row): Setting => {
  const [name = "", value = VALUES.get(kind)] = named.split(" ");
  const flag = `--${kind === SWITCH_OFF ? "no-" : ""}${kebab(name)}`;
  return {
    name,
    flag,
    value,
    variable: ENVIRONMENT + kebab(name).toUpperCase().replaceAll("-", "_"),
    section,
    key: keyOf(section, name),
    kind,
    description: value === undefined ? `${description}; the variable takes 1, true, 0 or false` : description,
    fallback,
  };
};

/** In the order of the help and of the documentation. */
export const SETTINGS: readonly Setting[] = Object.entries(rowsOf()).flatMap(([section, rows]) =>
  rows.map((row) => settingOf(section, row)),
);

/** Which configuration file there is. It is in none. */
export const CONFIG_FLAG = "--config";
export const CONFIG_VARIABLE = `${ENVIRONMENT}CONFIG`;

/** `[limits] maxConnections`: how texts name a setting of a file. */
export const placeOf = ({ section, key }: Pick<Setting, "section" | "key">): string => `[${section}] ${key}`;
