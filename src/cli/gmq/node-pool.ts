/** The nodes that a registry or etcd lists, a connection to each that is used, and which of them is next. */
import { createPicker, type PickBy } from "../../client/nodes/picker.js";
import { GmqConnection } from "../../gmq-client/connection.js";
import type { NodeInfo } from "../../registry/discovery/index.js";
import { parseNodeAddress } from "../../registry/discovery/node-address.js";

export interface PickedNode {
  /** `host:port`. */
  readonly address: string;
  readonly connection: Promise<GmqConnection>;
}

export class NoNodeError extends Error {
  override readonly name = "NoNodeError";
}

export class NodePool {
  readonly #picker;
  #nodes: readonly NodeInfo[];
  readonly #connections = new Map<string, Promise<GmqConnection>>();

  readonly #token: string | undefined;

  constructor(nodes: readonly NodeInfo[], pick: PickBy, token: string | undefined) {
    this.#token = token;
    this.#nodes = nodes;
    this.#picker = createPicker(pick);
  }

  /** The nodes that there are now. */
  set nodes(nodes: readonly NodeInfo[]) {
    this.#nodes = nodes;
  }

  /** Throws a `NoNodeError` when there is none, or none is left. */
  next(): PickedNode {
    const node = this.#nodes[this.#picker(this.#nodes)];
    if (node === undefined) throw new NoNodeError("there is no node: none is listed, or none of them answers");
    const address = node.tcpAddress;
    let connection = this.#connections.get(address);
    if (connection === undefined) {
      // An address of a list may lack its host, or have a scheme before it.
      connection = GmqConnection.open(parseNodeAddress(address) ?? { host: address, port: 0 }, this.#token);
      // Whoever uses it is told.
      connection.catch(() => {});
      this.#connections.set(address, connection);
    }
    return { address, connection };
  }

  /** Does not use a connection again. */
  forget({ address, connection }: PickedNode): void {
    if (this.#connections.get(address) !== connection) return;
    this.#connections.delete(address);
    connection.then((open) => open.close()).catch(() => {});
  }

  /** Does not pick a node again before it is listed anew. */
  drop(node: PickedNode): void {
    this.forget(node);
    this.#nodes = this.#nodes.filter(({ tcpAddress }) => tcpAddress !== node.address);
  }

  close(): void {
    for (const [address, connection] of this.#connections) this.forget({ address, connection });
  }
}
