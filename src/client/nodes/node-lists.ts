/**
 * Reads the list of nodes from where the program says, as addresses that a client can connect to.
 */
import type { NodeScheme, NodesSource } from "./options.js";

/** A node of a list. */
export interface ListedNode {
  /** Undefined when the list does not tell. */
  readonly id: number | undefined;
  readonly url: string;
  readonly weight: number;
}

/** Reads the list anew each time. Rejects when it cannot be read. */
export type ReadNodes = (signal: AbortSignal) => Promise<readonly ListedNode[]>;

/** Nodes have ids from 1 to 1,024: a list that is longer is none. */
const MAX_NODES = 1024;

export const nodesFrom = (source: NodesSource, scheme: NodeScheme): ReadNodes => {
  if ("nodes" in source) {
    const list = source.nodes.map(({ url, weight = 1 }) => ({ id: undefined, url, weight }));
    return () => Promise.resolve(list);
  }
  throw new Error(`not yet ${scheme} ${MAX_NODES}`);
};
