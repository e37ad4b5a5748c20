/**
 * Checks of the arguments of `connectNodes`. They throw BAD_ARGUMENT.
 */

import type { Resolver } from "../../servers/resolver.js";
import { SELECTORS, type Selector, selectorOf } from "../../servers/selector.js";
import { badArgument, checkObject, checkTimeout, readFrom, readList } from "../arguments/argument-checks.js";
import { checkInterval, checkToken, type ReadConnection, readConnection } from "../arguments/connect-checks.js";
import { OPTIONS, readOptions } from "../arguments/option-reader.js";
import { checkChoice } from "../arguments/value-checks.js";
import { takeToken } from "../connection/address.js";
import { readAddress } from "../connection/address-refusal.js";
import type { ConnectNodesOptions, KnownNode, NodeScheme, NodesSource } from "./options.js";
import type { PickBy } from "./picker.js";

const OWN = ["pick", "select", "scheme", "refreshInterval", "pingInterval", "retryTimeout"];
const NAMES = Object.freeze([...OPTIONS.connection, ...OWN]);

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";

export interface ReadNodesOptions {
  /** Those of each connection. */
  readonly connect: ReadConnection;
  readonly pick: PickBy;
  readonly select: Selector;
  readonly scheme: NodeScheme;
  readonly refreshInterval: number;
  readonly pingInterval: number;
  readonly retryTimeout: number;
}

export const readNodesOptions = (options: ConnectNodesOptions): ReadNodesOptions => {
  const { pick, select, scheme, refreshInterval, pingInterval, retryTimeout, ...rest } = readOptions(options, NAMES);
  checkChoice("pick", pick, ["weight", "random", "turn"]);
  if (typeof select !== "function") checkChoice("select", select, SELECTORS);
  checkChoice("scheme", scheme, ["tcp", "tls", "ws", "wss"]);
  checkInterval("refreshInterval", refreshInterval);
  checkInterval("pingInterval", pingInterval);
  checkTimeout("retryTimeout", retryTimeout);
  return {
    connect: readConnection(rest),
    pick: pick ?? "weight",
    select: selectorOf(select ?? "all"),
    scheme: scheme ?? "tcp",
    refreshInterval: refreshInterval ?? 10_000,
    pingInterval: pingInterval ?? 10_000,
    retryTimeout: retryTimeout ?? 30_000,
  };
};

const readNode = (given: unknown, at: number): KnownNode => {
  const what = `nodes[${at}]`;
  checkObject(what, given, "an object with the url of a node");
  const { url, weight } = readFrom(what, () => {
    const { url, weight } = given as KnownNode;
    return { url, weight };
  });
  readAddress(takeToken(String(url), new Map()));
  if (weight !== undefined && !(typeof weight === "number" && weight >= 0 && weight < Number.POSITIVE_INFINITY)) {
    throw badArgument(`${what}.weight`, weight, "a number from 0 on");
  }
  return { url: String(url), weight };
};

const WANTED = "an object with registry, etcd, nodes, or names and a resolver";

/** Reads a source. Exactly one of its kinds is given. */
export const readSource = (source: NodesSource): NodesSource => {
  checkObject("the source of nodes", source, WANTED);
  const given = readFrom("the source of nodes", () => ({ ...source })) as Readonly<Record<string, unknown>>;
  const { resolver, token, ...sources } = given;
  const [kind, ...others] = Object.keys(sources).filter((name) => sources[name] !== undefined);
  if ((resolver === undefined) === (kind === "names")) throw badArgument("the source of nodes", source, WANTED);
  if (kind === undefined || others.length > 0) throw badArgument("the source of nodes", source, WANTED);
  if (token !== undefined && kind !== "registry") throw badArgument("the source of nodes", source, TOKEN_WANTED);
  const value = given[kind];
  switch (kind) {
    case "registry":
      if (!isText(value)) throw badArgument("registry", value, 'a URL, as "http://127.0.0.1:9595"');
      checkToken(token);
      return { registry: value, ...(token !== undefined && { token: token as string }) };
    case "etcd": {
      const endpoints = readList("etcd", value, 'a list of endpoints, as ["127.0.0.1:2379"]', isText);
      if (endpoints.length === 0 || !endpoints.every(isText)) {
        throw badArgument("etcd", value, 'a list of endpoints, as ["127.0.0.1:2379"]');
      }
      return { etcd: endpoints };
    }
    case "nodes": {
      const nodes = readList("nodes", value, "a list of nodes, each with its url", () => true);
      if (nodes.length === 0) throw badArgument("nodes", value, "a list of at least one node");
      return { nodes: nodes.map(readNode) };
    }
    case "names": {
      const names = readList("names", value, NODE_NAMES, isText).filter(isText);
      if (names.length === 0 || !names.every(isNodeUrl)) throw badArgument("names", value, NODE_NAMES);
      return { names, resolver: readResolver(resolver) };
    }
    default:
      throw badArgument("the source of nodes", source, WANTED);
  }
};

const TOKEN_WANTED = "one without a token, which only a registry is shown; nodes have theirs in the options";

const NODE_NAMES = 'a list of names of nodes, as ["tcp://nodes.example:9503"]';

const isNodeUrl = (value: unknown): boolean =>
  isText(value) && /^(?:tcp|tls|wss?):\/\/[^/]/.test(value) && URL.canParse(value);

const readResolver = (value: unknown): Resolver => {
  const { resolve } = Object(value) as Partial<Resolver>;
  if (typeof resolve !== "function")
    throw badArgument("resolver", value, "a resolver, as dnsResolver() of ringmq/memmq");
  return value as Resolver;
};
