/** What a registry is asked, and its answers: `{"code","data","msg"}`, the words gmq's where it has some. */
import { setTimeout } from "node:timers/promises";
import type { Log } from "../../main/log.js";
import { isNodeAddress, parseNodeAddress } from "../discovery/node-address.js";
import {
  formatJoinTime,
  isNodeId,
  isWeight,
  MAX_NODE_ID,
  MAX_WEIGHT,
  type NodeInfo,
  readInteger,
} from "../discovery/node-info.js";
import type { Directory } from "./directory.js";
import { checkFree, listed, type NodeTable, Refusal, withNode, withoutNode, withWeight } from "./node-table.js";
import type { ResolvedOptions } from "./options.js";
import { acceptsTcp, answersPing } from "./probe.js";

/** Nodes that register at the same time; each makes the registry open two connections. */
const MAX_REGISTRATIONS = 16;

/** How often a node that registers is looked for, the milliseconds between, and the least for a try. */
const PROBES = 3;
const PROBE_PAUSE = 100;
const MIN_PROBE = 100;

const SUCCESS = '{"code":0,"data":null,"msg":"success"}';

export const refusal = (text: string): string => `{"code":1,"data":null,"msg":${JSON.stringify(text)}}`;

/** A registration whose node is being asked whether it is there. */
interface Registration {
  readonly tcpAddress: string;
  isCancelled: boolean;
}

export class Requests {
  readonly #directory: Directory;
  readonly #probeTimeout: number;
  readonly #log: Log;
  readonly #registrations = new Set<Registration>();
  #shown: { readonly table: NodeTable; readonly answer: Buffer } | undefined;

  constructor(directory: Directory, { pingTimeout, log }: Pick<ResolvedOptions, "pingTimeout" | "log">) {
    this.#directory = directory;
    this.#probeTimeout = pingTimeout;
    this.#log = log;
  }

  /** Answers a request; undefined: there is no such path. `isGone` tells whether whoever asks has gone. Never throws a Refusal. */
  async answer(path: string, query: URLSearchParams, isGone: () => boolean): Promise<string | Buffer | undefined> {
    try {
      switch (path) {
        case "/register":
          return await this.#register(query, isGone);
        case "/unregister":
          return this.#unregister(query);
        case "/editWeight":
          return this.#editWeight(query);
        case "/getNodes":
          return this.#getNodes();
        default:
          return undefined;
      }
    } catch (error) {
      if (error instanceof Refusal) return refusal(error.message);
      throw error;
    }
  }

  async #register(query: URLSearchParams, isGone: () => boolean): Promise<string> {
    const node = readRegistration(query);
    checkFree(this.#directory.table, node);
    if (this.#registrations.size >= MAX_REGISTRATIONS) throw new Refusal("too many nodes register at once; try again");
    const registration: Registration = { tcpAddress: node.tcpAddress, isCancelled: false };
    this.#registrations.add(registration);
    try {
      await this.#probe(node);
    } finally {
      this.#registrations.delete(registration);
    }
    // A node that stops while it registers must not be listed by a request that it no longer waits for.
    if (registration.isCancelled || isGone()) throw new Refusal("the registration was cancelled");
    this.#directory.change(withNode(this.#directory.table, { ...node, joinTime: formatJoinTime(new Date()) }));
    const { id, tcpAddress, httpAddress, weight } = node;
    this.#log.info({ node: id, tcpAddress, httpAddress, weight }, "a node has registered");
    return SUCCESS;
  }

  /** gmq's nodes register while they open their ports, and give up when they are refused: they get a moment. */
  async #probe({ tcpAddress, httpAddress }: Omit<NodeInfo, "joinTime">): Promise<void> {
    const end = performance.now() + this.#probeTimeout;
    for (let tries = 1; ; tries++) {
      const timeout = end - performance.now();
      const [scheme, accepts] = await Promise.all([answersPing(httpAddress, timeout), acceptsTcp(tcpAddress, timeout)]);
      if (scheme !== undefined && accepts) return;
      if (tries < PROBES && end - performance.now() > PROBE_PAUSE + MIN_PROBE) await setTimeout(PROBE_PAUSE);
      else if (scheme === undefined) throw new Refusal(`http_addr ${httpAddress} does not answer /ping`);
      else throw new Refusal(`tcp_addr ${tcpAddress} does not accept connections`);
    }
  }

  #unregister(query: URLSearchParams): string {
    const tcpAddress = readAddress(query, "tcp_addr");
    let wasRegistering = false;
    for (const registration of this.#registrations) {
      if (registration.tcpAddress !== tcpAddress) continue;
      registration.isCancelled = true;
      wasRegistering = true;
    }
    try {
      this.#directory.change(withoutNode(this.#directory.table, tcpAddress));
      this.#log.info({ tcpAddress }, "a node has unregistered");
    } catch (error) {
      if (!wasRegistering) throw error;
    }
    return SUCCESS;
  }

  #editWeight(query: URLSearchParams): string {
    const tcpAddress = readAddress(query, "tcp_addr");
    const weight = readWeight(query);
    this.#directory.change(withWeight(this.#directory.table, tcpAddress, weight));
    this.#log.info({ tcpAddress, weight }, "the weight of a node has been edited");
    return SUCCESS;
  }

  /** The same bytes for all who ask, so that many who do not read them cost no more than one. */
  #getNodes(): Buffer {
    const { table } = this.#directory;
    if (table !== this.#shown?.table) this.#shown = { table, answer: listOf(table) };
    return this.#shown.answer;
  }
}

const listOf = (table: NodeTable): Buffer => {
  const nodes = listed(table).map(({ id, httpAddress, tcpAddress, joinTime, weight }) => ({
    id,
    http_addr: httpAddress,
    tcp_addr: tcpAddress,
    join_time: joinTime,
    weight,
  }));
  return Buffer.from(`{"code":0,"data":${JSON.stringify({ nodes })},"msg":"success"}`);
};

const readRegistration = (query: URLSearchParams): Omit<NodeInfo, "joinTime"> => {
  const tcpAddress = readAddress(query, "tcp_addr");
  const httpAddress = readAddress(query, "http_addr");
  const scheme = parseNodeAddress(httpAddress)?.scheme ?? "http";
  if (scheme !== "http" && scheme !== "https") throw new Refusal("http_addr is an address of HTTP or HTTPS");
  const id = readInteger(query.get("node_id") ?? "");
  if (!isNodeId(id)) throw new Refusal(`node_id must be a number from 1 to ${MAX_NODE_ID}`);
  return { id, tcpAddress, httpAddress, weight: readWeight(query) };
};

const readAddress = (query: URLSearchParams, name: string): string => {
  const address = query.get(name) ?? "";
  if (address === "") throw new Refusal(`${name} is empty`);
  if (!isNodeAddress(address)) throw new Refusal(`${name} must be as in 127.0.0.1:9503`);
  return address;
};

const readWeight = (query: URLSearchParams): number => {
  const weight = readInteger(query.get("weight") ?? "");
  if (!isWeight(weight)) throw new Refusal(`weight must be a number from 0 to ${MAX_WEIGHT}`);
  return weight;
};
