/** The flags of `gclient`. */
import { InvalidArgumentError } from "commander";
import { isWord } from "../../gmq-client/requests.js";
import type { Address } from "../../main/options.js";
import { TOKEN_VARIABLE } from "../environment.js";
import { type FlagGroup, parseNames, wholeNumber } from "../go-flags.js";
import { parsePeer } from "../units.js";
import type { Settings } from "./settings.js";
import { parseToken, shownToken } from "./token-settings.js";
import { DEFAULT_REGISTRY } from "./urls.js";

export const COMMANDS = [
  "push",
  "mpush",
  "pop",
  "pop_loop",
  "ack",
  "dead",
  "declare",
  "subscribe",
  "publish",
  "push_by_weight",
  "push_by_rand",
  "push_by_avg",
  "pop_by_weight",
] as const;

export type CommandName = (typeof COMMANDS)[number];

const MAX_MESSAGES = 1_000_000_000;
const DEFAULT_MESSAGES = 100;

export const DEFAULT_NODE: Address = { host: "127.0.0.1", port: 9503 };

/** gmq's own program has `delcare` only. */
const parseCommand = (text: string): CommandName => {
  const found = COMMANDS.find((name) => name === text.replace("delcare", "declare"));
  if (found !== undefined) return found;
  throw new InvalidArgumentError(`It must be one of ${COMMANDS.join(", ")}.`);
};

const parseWord = (text: string): string => {
  if (isWord(text)) return text;
  throw new InvalidArgumentError("It must not have blanks in it.");
};

const parseId = (text: string): string => {
  if (/^\d{1,20}$/.test(text)) return text;
  throw new InvalidArgumentError("It must be the id of a message, such as 374389276810416130.");
};

const parseNumber = wholeNumber(1, MAX_MESSAGES);

export const GCLIENT_FLAGS: readonly FlagGroup[] = [
  {
    title: "What to do",
    flags: [
      {
        name: "cmd",
        value: "command",
        description:
          "push, mpush, pop, pop_loop, ack, dead, declare, subscribe, publish; over several nodes push_by_weight, push_by_rand, push_by_avg, pop_by_weight (default: push)",
        parse: parseCommand,
      },
    ],
  },
  {
    title: "With which node",
    flags: [
      {
        name: "node_addr",
        value: "address",
        description: "the node's TCP address (default: 127.0.0.1:9503)",
        parse: parsePeer,
      },
      {
        name: "register_addr",
        value: "url",
        description: `the registry that lists the nodes, for the commands over several (default: ${DEFAULT_REGISTRY})`,
        parse: parseNames,
      },
      {
        name: "etcd_endpoints",
        value: "urls",
        description: "the etcd that lists the nodes, instead of a registry",
        parse: parseNames,
      },
      {
        name: "token",
        value: "token",
        description: `says who you are to nodes of ringmq's that have users, and to a registry that asks; others on this machine see flags, so rather set ${TOKEN_VARIABLE}`,
        parse: parseToken,
      },
    ],
  },
  {
    title: "Messages",
    flags: [
      { name: "topic", value: "name", description: "(default: golang)", parse: parseWord },
      { name: "route_key", value: "key", description: "of messages that are pushed (default: none)", parse: parseWord },
      { name: "bind_key", value: "key", description: "of the queue (default: none)", parse: parseWord },
      {
        name: "push_num",
        value: "n",
        description: `messages to push (default: ${DEFAULT_MESSAGES})`,
        parse: parseNumber,
      },
      {
        name: "pop_num",
        value: "n",
        description: `messages to pop, or dead letters, if there are so many (default: ${DEFAULT_MESSAGES})`,
        parse: parseNumber,
      },
      { name: "msg_id", value: "id", description: "the message to acknowledge", parse: parseId },
      {
        name: "channel",
        value: "name",
        description: "to publish to or subscribe to (default: golang)",
        parse: parseWord,
      },
      {
        name: "message",
        value: "text",
        description:
          "what to publish to a channel (default: golang), or the body of messages to push (default: golang_0, golang_1 …)",
      },
    ],
  },
];

export interface GclientSettings {
  readonly command: CommandName;
  readonly node: Address;
  readonly registries: readonly string[];
  /** Empty: registries are asked. */
  readonly etcd: readonly string[];
  /** What nodes and the registry are shown; undefined: nothing. */
  readonly token: string | undefined;
  readonly topic: string;
  readonly routeKey: string;
  readonly bindKey: string;
  readonly pushCount: number;
  readonly popCount: number;
  /** Empty: not given. */
  readonly id: string;
  readonly channel: string;
  readonly message: string | undefined;
}

export const gclientSettings = (settings: Settings): GclientSettings => {
  const text = (flag: string, byDefault: string): string =>
    settings.value<string>(flag, undefined, String) ?? byDefault;
  const names = (flag: string): readonly string[] | undefined => settings.value(flag, undefined, parseNames);
  return {
    command: settings.value("cmd", undefined, parseCommand) ?? "push",
    node: settings.value("node_addr", undefined, parsePeer) ?? DEFAULT_NODE,
    registries: names("register_addr") ?? [DEFAULT_REGISTRY],
    etcd: names("etcd_endpoints") ?? [],
    token: shownToken(settings, "token", undefined),
    topic: text("topic", "golang"),
    routeKey: text("route_key", ""),
    bindKey: text("bind_key", ""),
    pushCount: settings.value("push_num", undefined, parseNumber) ?? DEFAULT_MESSAGES,
    popCount: settings.value("pop_num", undefined, parseNumber) ?? DEFAULT_MESSAGES,
    id: text("msg_id", ""),
    channel: text("channel", "golang"),
    message: settings.value("message", undefined, String),
  };
};
