/** `ringmq serve`: its flags. */
import { Command, Option } from "commander";
import type { DurabilityName } from "../main/limits.js";
import { OutOfRangeError } from "../main/option-checks.js";
import { type BrokerOptions, HTTP_ENGINES, resolveOptions } from "../main/options.js";
import { formatAddress } from "../main/ports/listening.js";
import { ENVIRONMENT, switchInEnvironment, unknownVariables } from "./environment.js";
import { LOG_FORMATS, LOG_LEVELS } from "./log-levels.js";
import { FAILURE } from "./server-process.js";
import { parseTlsPorts, type TlsFlags, tlsOptions, withTlsFlags } from "./tls-flags.js";
import { durationText, parseAddress, parseCount, parseDuration, parseList, parseSize, sizeText } from "./units.js";

/** Exit code: wrong flags. */
const USAGE = 2;

interface Flags extends Omit<BrokerOptions, "log" | "progress" | "tcpTls" | "httpTls" | "grpcTls">, TlsFlags {
  readonly logLevel: string;
  readonly logFormat: string;
}

const DURABILITIES: readonly DurabilityName[] = ["fsync", "write", "memory"];

const option = <T>(flags: string, description: string, parse: (text: string) => T, shown: string): Option => {
  const made = new Option(flags, `${description} (default: ${shown})`).argParser(parse);
  return made.env(ENVIRONMENT + made.name().toUpperCase().replaceAll("-", "_"));
};

const options = (): Option[] => {
  const defaults = resolveOptions();
  const address = (value: BrokerOptions["tcp"]): string => (value === "off" ? value : formatAddress(value));
  const count = (flags: string, description: string, value: number): Option =>
    option(flags, description, parseCount, String(value));
  const size = (flags: string, description: string, value: number): Option =>
    option(flags, description, parseSize, sizeText(value));
  return [
    option(
      "--tcp <address>",
      "native protocol: host:port, [IPv6]:port, :port (all interfaces), port (this machine), or off",
      parseAddress,
      address(defaults.tcp),
    ),
    option("--http <address>", "HTTP, and WebSocket on /mq: as --tcp", parseAddress, address(defaults.http)),
    option("--grpc <address>", "gRPC, memmq's service mq.MQ: as --tcp", parseAddress, address(defaults.grpc)),
    option(
      "--metrics-address <address>",
      "an address of its own for /metrics, /healthz and /readyz: as --tcp; off: no /metrics",
      parseAddress,
      "the HTTP port",
    ),
    new Option(
      "--http-engine <engine>",
      "what serves HTTP: uws (uWebSockets.js), node (node:http and ws), or auto, the first that loads",
    )
      .choices(HTTP_ENGINES)
      .default(defaults.httpEngine)
      .env(`${ENVIRONMENT}HTTP_ENGINE`),
    new Option(
      "--tls-cert <file>",
      "TLS: the broker's certificate in PEM, with those between it and its authority",
    ).env(`${ENVIRONMENT}TLS_CERT`),
    new Option("--tls-key <file>", "TLS: the private key of the certificate in PEM").env(`${ENVIRONMENT}TLS_KEY`),
    new Option(
      "--tls-client-ca <file>",
      "TLS: clients must present a certificate that this authority (PEM) has signed",
    ).env(`${ENVIRONMENT}TLS_CLIENT_CA`),
    new Option(
      "--tls-self-signed",
      "TLS: the broker makes its certificate, and keeps it in --data; the variable takes 1, true, 0 or false",
    ).env(`${ENVIRONMENT}TLS_SELF_SIGNED`),
    option(
      "--tls-ports <ports>",
      "ports that speak TLS when there is a certificate: tcp, http, grpc, or some of them",
      parseTlsPorts,
      "all",
    ),
    option("--data <dir>", "directory of the journal, for one broker at a time", String, "ringmq-data"),
    new Option(
      "--durability <level>",
      "what a confirm waits for: fsync (the disk), write (the system), or memory (nothing; no journal)",
    )
      .choices(DURABILITIES)
      .default(defaults.durability)
      .env(`${ENVIRONMENT}DURABILITY`),
    size("--segment-bytes <size>", "size of a journal file, 64kb to 1gb", defaults.segmentBytes),
    size("--disk-reserve <size>", "free space below which publishes are refused", defaults.diskReserve),
    count("--shards <n>", "threads that own messages", defaults.shards),
    count("--node <id>", "number of this broker, 1 to 1024, which is part of message ids", defaults.node),
    option(
      "--memory <size>",
      "memory budget for messages, all shards together, at least 16mb per shard",
      parseSize,
      "half of the machine's",
    ),
    size("--max-message-bytes <size>", "size of a message, headers and body", defaults.maxMessageBytes),
    size("--max-frame-bytes <size>", "size of a frame of the native protocol", defaults.maxFrameBytes),
    count("--max-batch-messages <n>", "messages in a batch", defaults.maxBatchMessages),
    count("--max-in-flight <n>", "unanswered requests of a connection", defaults.maxInFlight),
    count("--max-name-bytes <n>", "bytes in the name of a topic, channel or queue", defaults.maxNameBytes),
    count("--max-connections <n>", "connections over TCP, WebSocket and HTTP", defaults.maxConnections),
    option(
      "--max-connections-per-address <n>",
      "TCP and WebSocket connections from one address",
      parseCount,
      "60% of --max-connections",
    ),
    count("--max-topics <n>", "topics of a shard, and as many channels", defaults.maxTopics),
    option(
      "--max-topics-per-connection <n>",
      "topics of a shard that one connection may have created",
      parseCount,
      "half of --max-topics",
    ),
    option(
      "--topic-idle <time>",
      "time without use after which an empty topic is forgotten",
      parseDuration,
      `${defaults.topicIdle / 60_000}m`,
    ),
    option(
      "--ttr <time>",
      "time that a consumer may hold a message, for topics that are not configured",
      parseDuration,
      durationText(defaults.ttr),
    ),
    count("--retries <n>", "deliveries after the first before a message is dead, likewise", defaults.retries),
    new Option(
      "--persist",
      "keeps the messages of channels that are not configured otherwise; the variable takes 1, true, 0 or false",
    ).env(`${ENVIRONMENT}PERSIST`),
    option("--keep-messages <n>", "messages that such a channel keeps, the newest", parseCount, "no limit"),
    option("--keep-bytes <size>", "bytes that it keeps", parseSize, "no limit"),
    option("--keep-age <time>", "time that it keeps a message", parseDuration, "no limit"),
    count(
      "--history <n>",
      "messages that a channel which is not kept has in memory for subscribers that resume",
      defaults.history,
    ),
    size("--history-bytes <size>", "bytes of them", defaults.historyBytes),
    option(
      "--history-idle <time>",
      "time that they stay after the last subscriber has gone",
      parseDuration,
      durationText(defaults.historyIdle),
    ),
    count("--max-queues <n>", "queues of a topic", defaults.maxQueues),
    count("--max-consumers <n>", "consumers, waiting pops and subscriptions of a shard", defaults.maxConsumers),
    option("--max-consumers-per-connection <n>", "those of one connection", parseCount, "a quarter of --max-consumers"),
    size(
      "--max-outgoing-bytes <size>",
      "unsent bytes above which a connection is not read, at least 64kb",
      defaults.maxOutgoingBytes,
    ),
    option(
      "--max-unsent-bytes <size>",
      "unsent bytes of all connections, above which those with the most are closed",
      parseSize,
      "64mb to 256mb by --memory",
    ),
    option(
      "--max-assembly-bytes <size>",
      "memory for partly received frames, and as much for input that waits for busy shards",
      parseSize,
      "a quarter of memory up to 256mb",
    ),
    size("--ring-bytes <size>", "size of each ring between two threads, a power of two", defaults.ringBytes),
    option(
      "--hello-timeout <time>",
      "time for a connection to send HELLO",
      parseDuration,
      `${defaults.helloTimeout / 1000}s`,
    ),
    option(
      "--shard-timeout <time>",
      "time without progress after which a shard's thread is replaced",
      parseDuration,
      `${defaults.shardTimeout / 1000}s`,
    ),
    option(
      "--close-timeout <time>",
      "time to finish requests when the broker stops",
      parseDuration,
      `${defaults.closeTimeout / 1000}s`,
    ),
    new Option(
      "--allow-backup",
      "lets clients on other machines request a backup; the variable takes 1, true, 0 or false",
    ).env(`${ENVIRONMENT}ALLOW_BACKUP`),
    new Option(
      "--allow-origin <origin>",
      "sites whose pages may use HTTP and WebSocket, separated by commas; * for all",
    )
      .argParser(parseList)
      .env(`${ENVIRONMENT}ALLOW_ORIGIN`),
    new Option("--allow-host <name>", "names of the broker besides addresses and localhost, separated by commas")
      .argParser(parseList)
      .env(`${ENVIRONMENT}ALLOW_HOST`),
    new Option("--log-level <level>", "lowest level to log: debug, info, warn, error or silent")
      .choices(LOG_LEVELS)
      .default("info")
      .env(`${ENVIRONMENT}LOG_LEVEL`),
    new Option("--log-format <format>", "text for people, or json for programs")
      .choices(LOG_FORMATS)
      .default("text")
      .env(`${ENVIRONMENT}LOG_FORMAT`),
  ];
};

const HELP = `
Sizes take kb, mb, gb and tb (powers of 1,024); times take ms, s, m and h.
There is no authentication but by certificates (--tls-client-ca): without it, listen beyond this machine only in a
network you trust.

Examples:
  ringmq serve
      on this machine only: native protocol on 9503, HTTP and WebSocket on 9504; messages in ./ringmq-data
  ringmq serve --data /var/lib/ringmq --durability write
      messages in another directory, confirmed by the system: a crash of the machine may lose the last second
  ringmq serve --tcp :9503 --http off --memory 2gb
      native protocol on all interfaces, no HTTP, 2 GiB for messages
  ringmq serve --tcp :9503 --http :9504 --tls-cert broker.pem --tls-key broker-key.pem --tls-client-ca ca.pem
      TLS on both ports, for clients with a certificate of ca.pem; SIGHUP reads the files again
  ringmq serve --tls-self-signed
      TLS with a certificate of the broker's own; clients check it by ringmq-data/certificate.pem
  curl -d 'data={"body":"hello","topic":"greetings"}' http://127.0.0.1:9504/push
  curl 'http://127.0.0.1:9504/pop?topic=greetings'
      publishes a message and pops it
`;

export const serveCommand = (): Command => {
  const command = new Command("serve").description("Runs a broker until it is told to stop (SIGTERM, SIGINT).");
  for (const each of options()) command.addOption(each);
  command.addHelpText("after", HELP);
  return command.action((flags: Partial<Flags>) => serve(command, flags));
};

const serve = async (
  command: Command,
  {
    logLevel = "info",
    logFormat = "text",
    tlsCert,
    tlsKey,
    tlsClientCa,
    tlsSelfSigned,
    tlsPorts,
    ...flags
  }: Partial<Flags>,
): Promise<void> => {
  const { createLog } = await import("./log-lines.js");
  const log = createLog(logLevel, logFormat, (text) => process.stderr.write(text));
  const switches = { ...switchInEnvironment(command, "allowBackup"), ...switchInEnvironment(command, "persist") };
  for (const unknown of unknownVariables(process.env, command)) {
    log.warn(unknown, "an environment variable is not one of the broker's: see ringmq serve --help");
  }
  if (flags.tcp === "off" && flags.http === "off" && (flags.grpc ?? "off") === "off") {
    command.error("error: --tcp off and --http off leave no way in: give one of them an address, or --grpc", {
      exitCode: USAGE,
    });
  }
  const selfSigned = { tlsSelfSigned, ...switchInEnvironment(command, "tlsSelfSigned") };
  const tls = tlsOptions(command, { tlsCert, tlsKey, tlsClientCa, ...selfSigned, tlsPorts }, flags);
  const { runBroker } = await import("./broker-process.js");
  await runBroker({
    options: { ...flags, ...tls, ...switches },
    log,
    hasBar: process.stderr.isTTY && logLevel !== "silent",
    refuse: (error) => command.error(`error: ${rangeText(command, error)}`, { exitCode: USAGE }),
    explain: withTlsFlags,
    fail: (reason) => command.error(`error: ${reason}`, { exitCode: FAILURE }),
  });
};

/** `maxFrameBytes` → `--max-frame-bytes`. */
const flagOf = (name: string): string => `--${name.replaceAll(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`;

/** The error text for a flag, in the units that the flag takes. */
const rangeText = (command: Command, error: RangeError): string => {
  if (!(error instanceof OutOfRangeError)) return withTlsFlags(error.message).replace(/^[a-zA-Z]+(?= must)/, flagOf);
  const { option: name, value, min, max, why } = error;
  const parse = command.options.find((each) => each.attributeName() === name)?.parseArg;
  const inUnits = (n: number): string => {
    if (parse === parseSize) return sizeText(n);
    return parse === parseDuration ? durationText(n) : String(n);
  };
  const isOpen = max === Number.POSITIVE_INFINITY || (parse === parseDuration && value < min);
  const range = isOpen ? `at least ${inUnits(min)}` : `from ${inUnits(min)} to ${inUnits(max)}`;
  return `${flagOf(name)} must be ${range}${why}; it is ${inUnits(value)}`;
};
