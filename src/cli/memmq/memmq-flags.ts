/** The flags of `memmq`, by memmq's own names, and those that only this program has. */
import { InvalidArgumentError } from "commander";
import { SWITCH_FLAGS } from "../broker-switches.js";
import { TOKEN_VARIABLE } from "../environment.js";
import { type FlagGroup, parseNames, wholeNumber } from "../go-flags.js";
import { LOG_LEVELS } from "../log-levels.js";
import { parseListenAddress } from "../units.js";

export const DEFAULT_PORT = 8081;

/** Where a client looks for a server that nobody has named. */
export const DEFAULT_SERVER = `localhost:${DEFAULT_PORT}`;

/** Under which a server keeps messages, and its certificate, when it is to. */
export const DEFAULT_DATA = "memmq-data";

export const SELECTS = ["all", "shard"] as const;
export const RESOLVERS = ["ip", "dns"] as const;
export const TRANSPORTS = ["http", "grpc"] as const;

/** A try takes up to a second, and nobody waits for a quarter of an hour. */
const MAX_TRIES_AGAIN = 1_000;

const orList = (words: readonly string[]): string => `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;

const oneOf =
  <T extends string>(...words: readonly T[]) =>
  (text: string): T => {
    const found = words.find((word) => word === text);
    if (found === undefined) throw new InvalidArgumentError(`It must be ${orList(words)}.`);
    return found;
  };

export const MEMMQ_FLAGS: readonly FlagGroup[] = [
  {
    title: "A server, or a proxy",
    flags: [
      {
        name: "address",
        value: "address",
        description: `where it listens: host:port, or :port for all interfaces (default: :${DEFAULT_PORT})`,
        parse: parseListenAddress,
      },
      {
        name: "cert_file",
        value: "file",
        description: "its certificate in PEM (default: one that it makes and signs itself)",
      },
      { name: "key_file", value: "file", description: "the private key of the certificate in PEM" },
      {
        name: "transport",
        value: "name",
        description: "what it speaks, or a client with it: http or grpc (default: http)",
        parse: oneOf(...TRANSPORTS),
      },
      {
        name: "persist",
        description: "keep all messages, and write them to <topic>.mq as well, files of the working directory",
      },
      {
        name: "data",
        value: "dir",
        description: `what --persist keeps messages in, and the certificate that it made (default: ${DEFAULT_DATA})`,
      },
      { name: "proxy", description: "pass everything on to --servers, and keep nothing" },
    ],
  },
  { ...SWITCH_FLAGS, title: "A server" },
  {
    title: "A client",
    flags: [
      { name: "client", description: "be a client, with --publish, --subscribe or both" },
      { name: "topic", value: "name", description: "what to publish to, and to subscribe to" },
      { name: "publish", description: "publish each line of standard input" },
      { name: "subscribe", description: "print each message as a line" },
      { name: "i", description: "both at once, at a prompt: what others publish, not what you do" },
    ],
  },
  {
    title: "The servers of a client or a proxy",
    flags: [
      {
        name: "servers",
        value: "names",
        description: `servers, separated by commas; https:// need not be said (a client's default: ${DEFAULT_SERVER})`,
        parse: parseNames,
      },
      {
        name: "select",
        value: "name",
        description: "whom to publish and to subscribe to: all, or shard, the one server of a topic (default: all)",
        parse: oneOf(...SELECTS),
      },
      {
        name: "resolver",
        value: "name",
        description: "what the names are: ip, addresses; dns, names with the addresses of servers (default: ip)",
        parse: oneOf(...RESOLVERS),
      },
      {
        name: "retries",
        value: "n",
        description: "how often a server is tried again (default: 1)",
        parse: wholeNumber(0, MAX_TRIES_AGAIN),
      },
      {
        name: "token",
        value: "token",
        description: `says who you are to servers that have users; others on this machine see flags, so rather set ${TOKEN_VARIABLE}`,
      },
      { name: "verify", description: "check the certificates of servers (default: they are taken as they are)" },
      {
        name: "ca_file",
        value: "file",
        description: "check them, by this authority or server certificate in PEM",
      },
    ],
  },
  {
    title: "Log",
    flags: [
      {
        name: "log_level",
        value: "level",
        description: "lowest level to log: debug, info, warn, error or silent (default: info)",
        parse: oneOf(...LOG_LEVELS),
      },
    ],
  },
];

export const MEMMQ_NOTES = `
A flag is --name=value or --name value, with two dashes or one. Nobody is asked for a password: listen beyond this machine
only in a network you trust.

A server:
  memmq
      on port ${DEFAULT_PORT} of all interfaces, over TLS with a certificate of its own; messages in memory
  memmq --address=localhost:9091
      of this machine only, on another port
  memmq --cert_file=cert.pem --key_file=key.pem
      with a certificate that clients can check
  memmq --persist
      messages are kept in ./${DEFAULT_DATA}, and written to ./<topic>.mq for those who read files
  memmq --transport=grpc
      gRPC in place of HTTP and WebSocket
  curl -k -d 'any message' 'https://localhost:${DEFAULT_PORT}/pub?topic=example'
  curl -k -N 'https://localhost:${DEFAULT_PORT}/sub?topic=example'
      publishes a message; prints messages as they come

A proxy:
  memmq --proxy --servers=127.0.0.1:8081,127.0.0.1:8082,127.0.0.1:8083
      publishes and subscribes on all of them
  memmq --proxy --servers=127.0.0.1:8081,127.0.0.1:8082,127.0.0.1:8083 --select=shard
      each topic on one of them
  memmq --proxy --resolver=dns --servers=memmq.proxy.dev
      on all addresses that the name has

A client:
  echo 'any message' | memmq --client --topic=example --publish --servers=localhost:${DEFAULT_PORT}
  memmq --client --topic=example --subscribe --servers=localhost:${DEFAULT_PORT}
  memmq -i --topic=example
      publishes a line; prints messages; both at a prompt

ringmq serve runs the same broker with flags and protocols of its own: see ringmq serve --help.
`;
