/**
 * The nodes that a registry knows: those it lists, and those it dropped and would take back. Each change is a new table,
 * which takes effect when it has been saved.
 */
import { MAX_NODES, type NodeInfo } from "../discovery/node-info.js";

export interface KnownNode extends NodeInfo {
  /** What it asked for itself. `weight` differs from it when somebody has edited that. */
  readonly ownWeight: number;
  /** When it was dropped, in milliseconds since 1970. Undefined: it is listed. */
  readonly droppedAt: number | undefined;
}

/** A change that is not made, with the reason for whoever asked for it. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}

/** By id, in the order in which they joined. */
export type NodeTable = ReadonlyMap<number, KnownNode>;

/** What says whether two nodes are the same one. */
export type Identity = Pick<NodeInfo, "id" | "tcpAddress" | "httpAddress">;

const isSame = (a: Identity, b: Identity): boolean =>
  a.id === b.id && a.tcpAddress === b.tcpAddress && a.httpAddress === b.httpAddress;

/** @throws Refusal when a listed node has the id or one of the addresses, and is another node. */
export const checkFree = (table: NodeTable, node: Identity): void => {
  for (const other of table.values()) {
    if (other.droppedAt !== undefined || isSame(other, node)) continue;
    if (other.id === node.id) throw new Refusal(`node.Id ${node.id} has exist`);
    if (other.tcpAddress === node.tcpAddress) throw new Refusal(`node.tcpAddr ${node.tcpAddress} has exist`);
    if (other.httpAddress === node.httpAddress) throw new Refusal(`node.httpAddr ${node.httpAddress} has exist`);
  }
};

/**
 * Lists a node. One that is known with this id and these addresses is taken for the same, which was restarted or whose
 * registry was: it keeps its place, and its edited weight unless it now asks for another than before. Nodes that were
 * dropped make room for one that has their id or an address of theirs.
 *
 * @throws Refusal as {@link checkFree}, and when there are too many.
 */
export const withNode = (table: NodeTable, node: NodeInfo): NodeTable => {
  checkFree(table, node);
  const before = table.get(node.id);
  if (before !== undefined && isSame(before, node)) {
    const weight = before.ownWeight === node.weight ? before.weight : node.weight;
    return new Map(table).set(node.id, { ...node, weight, ownWeight: node.weight, droppedAt: undefined });
  }
  // Those left with one of its addresses were dropped: checkFree has seen to the others.
  const others = [...table].filter(
    ([id, other]) => id !== node.id && other.tcpAddress !== node.tcpAddress && other.httpAddress !== node.httpAddress,
  );
  if (others.length >= MAX_NODES) throw new Refusal(`there are ${MAX_NODES} nodes already`);
  return new Map(others).set(node.id, { ...node, ownWeight: node.weight, droppedAt: undefined });
};

/** Forgets a node, dropped or not. @throws Refusal when there is none with the address. */
export const withoutNode = (table: NodeTable, tcpAddress: string): NodeTable => {
  const rest = new Map([...table].filter(([, node]) => node.tcpAddress !== tcpAddress));
  if (rest.size === table.size) throw new Refusal("addr is not exist");
  return rest;
};

/** @throws Refusal when there is none with the address. */
export const withWeight = (table: NodeTable, tcpAddress: string, weight: number): NodeTable => {
  const node = [...table.values()].find((each) => each.tcpAddress === tcpAddress);
  if (node === undefined) throw new Refusal("addr is not exist");
  return new Map(table).set(node.id, { ...node, weight });
};

/** Drops a node or takes it back; the same table when the node is no longer in it as it was. */
export const withDropped = (table: NodeTable, node: KnownNode, droppedAt: number | undefined): NodeTable => {
  const now = table.get(node.id);
  if (now === undefined || !isSame(now, node) || (now.droppedAt === undefined) === (droppedAt === undefined)) {
    return table;
  }
  return new Map(table).set(node.id, { ...now, droppedAt });
};

/** Forgets those that were dropped before a moment; the same table when there is none. */
export const withoutDropped = (table: NodeTable, before: number): NodeTable => {
  const rest = new Map([...table].filter(([, { droppedAt }]) => droppedAt === undefined || droppedAt >= before));
  return rest.size === table.size ? table : rest;
};

export const listed = (table: NodeTable): KnownNode[] =>
  [...table.values()].filter(({ droppedAt }) => droppedAt === undefined);

export const dropped = (table: NodeTable): KnownNode[] =>
  [...table.values()].filter(({ droppedAt }) => droppedAt !== undefined);
