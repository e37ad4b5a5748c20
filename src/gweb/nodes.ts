/** The nodes that there are, on behalf of a visitor: the list, who of them answers, and where one is reached. */
import type { NewNode, NodeList } from "../registry/administration/index.js";
import { type NodeInfo, UnauthorizedError } from "../registry/discovery/index.js";
import { parseNodeAddress } from "../registry/discovery/node-address.js";
import type { PingScheme } from "../registry/server/probe.js";
import { NodePings } from "./node-pings.js";
import type { Visitor } from "./visitor.js";

export interface SeenNode extends NodeInfo {
  /** How it answers; undefined: it does not. */
  readonly scheme: PingScheme | undefined;
}

/** Milliseconds for which a list counts as guarded once it was: it notes each time that somebody shows no token. */
const GUARDED_FOR = 60_000;

/** Where a node speaks the native protocol, on behalf of a visitor. */
export interface NodePlace {
  readonly url: string;
  /** The one that is listed. */
  readonly httpAddress: string;
  /** What it is shown of the visitor; undefined: nothing, or not yet. */
  readonly token: string | undefined;
}

export class Nodes {
  readonly list: Pick<NodeList, "kind" | "name">;
  readonly #list: NodeList;
  readonly #pings = new NodePings();
  /** Whoever shows no token is refused, as far as is known. */
  asksForToken = false;
  #guardedUntil = Number.NEGATIVE_INFINITY;

  constructor(list: NodeList) {
    this.#list = list;
    this.list = list;
  }

  /** Asks no node. Rejects as a NodeList does. */
  listed(visitor: Visitor | undefined): Promise<readonly NodeInfo[]> {
    return this.#as(visitor, (options) => this.#list.list(options));
  }

  /** Rejects as a NodeList does. */
  async all(visitor: Visitor | undefined): Promise<readonly SeenNode[]> {
    const nodes = await this.listed(visitor);
    const schemes = await this.#pings.all(nodes.map(({ httpAddress }) => httpAddress));
    return nodes.map((node, i) => ({ ...node, scheme: schemes[i] }));
  }

  /** Where the node with this id is; undefined: no such node is listed. It may not answer there. */
  async placeOf(id: string, visitor: Visitor | undefined): Promise<NodePlace | undefined> {
    const nodes = await this.listed(visitor);
    const { httpAddress } = nodes.find((each) => String(each.id) === id) ?? {};
    const address = httpAddress === undefined ? undefined : parseNodeAddress(httpAddress);
    if (httpAddress === undefined || address === undefined) return undefined;
    const [scheme, isTrusted] = await Promise.all([
      this.#pings.one(httpAddress),
      visitor !== undefined && (visitor.trusts(httpAddress) || this.#isGuarded()),
    ]);
    const host = address.host.includes(":") ? `[${address.host}]` : address.host;
    const isTls = (scheme ?? address.scheme) === "https";
    const url = `${isTls ? "wss" : "ws"}://${host}:${address.port}/mq`;
    return { url, httpAddress, token: isTrusted ? visitor?.token : undefined };
  }

  add(node: NewNode, visitor: Visitor | undefined): Promise<void> {
    return this.#as(visitor, (options) => this.#list.add(node, options));
  }

  setWeight(tcpAddress: string, weight: number, visitor: Visitor | undefined): Promise<void> {
    return this.#as(visitor, (options) => this.#list.setWeight(tcpAddress, weight, options));
  }

  remove(tcpAddress: string, visitor: Visitor | undefined): Promise<void> {
    return this.#as(visitor, (options) => this.#list.remove(tcpAddress, options));
  }

  /** Only who has a token can list a node: one that is listed is no stranger's. */
  async #isGuarded(): Promise<boolean> {
    if (performance.now() < this.#guardedUntil) return true;
    try {
      await this.listed(undefined);
      return false;
    } catch (error) {
      const isGuarded = error instanceof UnauthorizedError;
      if (isGuarded) this.#guardedUntil = performance.now() + GUARDED_FOR;
      return isGuarded;
    }
  }

  /** Notes what is learnt of who may ask. */
  async #as<T>(visitor: Visitor | undefined, ask: (options: { token: string | undefined }) => Promise<T>): Promise<T> {
    try {
      const answer = await ask({ token: visitor?.token });
      if (visitor === undefined) this.asksForToken = false;
      return answer;
    } catch (error) {
      if (error instanceof UnauthorizedError) {
        this.asksForToken = true;
        if (visitor !== undefined) visitor.isOver = true;
      }
      throw error;
    }
  }
}
