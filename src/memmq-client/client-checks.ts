/**
 * Checks of what a program hands over. They throw BAD_ARGUMENT.
 */

import { createSecureContext } from "node:tls";
import {
  badArgument,
  checkFlag,
  checkKey,
  checkName,
  checkTimeout,
  readFrom,
  readList,
} from "../client/arguments/argument-checks.js";
import { checkToken } from "../client/arguments/connect-checks.js";
import { readOptions } from "../client/arguments/option-reader.js";
import { checkChoice, checkWhole } from "../client/arguments/value-checks.js";
import { localError } from "../client/base/error.js";
import { MAX_NAME_BYTES } from "../protocol/limits.js";
import { OVERFLOWS } from "../protocol/subscribe-options.js";
import { dnsResolver } from "../servers/dns-resolver.js";
import { addressResolver, type Resolver } from "../servers/resolver.js";
import { SELECTORS, type Selector, selectorOf } from "../servers/selector.js";
import { parseServer } from "../servers/server.js";
import type { FeedRequest, LinkOptions } from "./link.js";
import type { ClientOptions, PublishOptions, ServerStatus, SubscribeOptions } from "./options.js";
import { Trail } from "./trail.js";

const CLIENT = [
  "servers",
  "selector",
  "resolver",
  "retries",
  "transport",
  "ca",
  "insecure",
  "token",
  "connectTimeout",
  "answerTimeout",
  "maxPendingBytes",
  "maxMessageBytes",
  "onStatus",
];

const DEFAULT_SERVER = "localhost:8081";

/** More servers of one client are a mistake, and each has connections. */
const MAX_SERVERS = 1_000;

/** As many bytes as a frame of ringmq can have. */
const MAX_MESSAGE_BYTES = 268_435_455;
const MESSAGE_BYTES = 16 * 1024 * 1024;
const PENDING_BYTES = 64 * 1024 * 1024;

export interface ReadOptions {
  readonly servers: readonly string[];
  readonly selector: Selector;
  readonly resolver: Resolver;
  readonly retries: number;
  readonly transport: "http" | "grpc";
  readonly link: LinkOptions;
  readonly maxPendingBytes: number;
  readonly onStatus: ((status: ServerStatus) => void) | undefined;
}

export const readClientOptions = (options: ClientOptions): ReadOptions => {
  const given = readOptions(options, CLIENT);
  const { retries, transport, insecure, connectTimeout, answerTimeout, maxPendingBytes, maxMessageBytes } = given;
  checkWhole("retries", retries, 0, 1_000);
  checkChoice("transport", transport, ["http", "grpc"]);
  checkFlag("insecure", insecure);
  checkToken(given.token);
  checkTimeout("connectTimeout", connectTimeout);
  checkTimeout("answerTimeout", answerTimeout);
  checkWhole("maxPendingBytes", maxPendingBytes, 1, Number.MAX_SAFE_INTEGER);
  checkWhole("maxMessageBytes", maxMessageBytes, 1, MAX_MESSAGE_BYTES);
  if (given.onStatus !== undefined && typeof given.onStatus !== "function") {
    throw badArgument("onStatus", given.onStatus, "a function");
  }
  return {
    servers: readServers(given.servers),
    selector: readSelector(given.selector),
    resolver: readResolver(given.resolver),
    retries: retries ?? 1,
    transport: transport ?? "http",
    link: {
      ca: readAuthorities(given.ca),
      insecure: insecure ?? false,
      token: given.token,
      connectTimeout: connectTimeout ?? 5_000,
      answerTimeout: answerTimeout ?? 30_000,
      maxMessageBytes: maxMessageBytes ?? MESSAGE_BYTES,
      trail: new Trail(),
    },
    maxPendingBytes: maxPendingBytes ?? PENDING_BYTES,
    onStatus: given.onStatus,
  };
};

const readServers = (value: ClientOptions["servers"]): readonly string[] => {
  if (value === undefined) return [DEFAULT_SERVER];
  const wanted = `a list of 1 to ${MAX_SERVERS} servers, as ["localhost:8081"]`;
  const servers = readList("servers", value, wanted, (each) => typeof each === "string").filter(
    (each): each is string => typeof each === "string",
  );
  if (servers.length !== value.length || servers.length === 0 || servers.length > MAX_SERVERS) {
    throw badArgument("servers", value, wanted);
  }
  for (const name of servers) {
    try {
      parseServer(name);
    } catch (error) {
      throw localError("BAD_ARGUMENT", error instanceof Error ? error.message : String(error), error);
    }
  }
  return servers;
};

const readSelector = (value: ClientOptions["selector"]): Selector => {
  if (typeof value === "function") return value;
  checkChoice("selector", value, SELECTORS);
  return selectorOf(value ?? "all");
};

const readResolver = (value: ClientOptions["resolver"]): Resolver => {
  if (typeof value === "object" && value !== null) return value;
  checkChoice("resolver", value, ["ip", "dns"]);
  return value === "dns" ? dnsResolver() : addressResolver;
};

const pem = (value: unknown): string => {
  const text = value instanceof Uint8Array ? new TextDecoder().decode(value) : value;
  // Node takes what is no certificate for no authority at all.
  if (typeof text !== "string" || !text.includes("-----BEGIN CERTIFICATE-----") || !isReadable(text)) {
    throw localError("BAD_ARGUMENT", "ca must be a certificate in PEM, or a list of some; not the path of one");
  }
  return text;
};

/** Here, and not when the first connection is made, where nobody would be told. */
const isReadable = (ca: string): boolean => {
  try {
    createSecureContext({ ca });
    return true;
  } catch {
    return false;
  }
};

const readAuthorities = (value: ClientOptions["ca"]): readonly string[] | undefined => {
  if (value === undefined) return undefined;
  const list = typeof value === "string" || value instanceof Uint8Array ? [value] : [...value];
  if (list.length === 0) throw badArgument("ca", value, "a certificate in PEM, or a list of some");
  return list.map(pem);
};

export const checkTopic = (topic: unknown): void => checkName("topic", topic, MAX_NAME_BYTES);

export const readPublish = (options: PublishOptions | undefined): string | undefined => {
  if (options === undefined) return undefined;
  const { key } = readOptions(options, ["key"]);
  checkKey("key", key, MAX_NAME_BYTES);
  return key === "" ? undefined : key;
};

export const readSubscribe = (topic: string, options: SubscribeOptions): FeedRequest => {
  checkTopic(topic);
  const { from, recover, overflow } = readOptions(options, ["from", "recover", "overflow"]);
  checkFlag("recover", recover);
  checkChoice("overflow", overflow, OVERFLOWS);
  return { topic, from: readFromOption(from), recover: recover ?? true, overflow, resume: undefined };
};

const readFromOption = (from: SubscribeOptions["from"]): FeedRequest["from"] => {
  if (from instanceof Date) {
    const time = readFrom("from", () => from.getTime());
    if (Number.isSafeInteger(time) && time >= 0) return time;
    throw badArgument("from", from, "a date from 1970 on");
  }
  checkChoice("from", from, ["now", "start"]);
  return from ?? "now";
};
