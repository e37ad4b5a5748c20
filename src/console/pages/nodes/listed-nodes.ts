/**
 * The list of nodes, as the server of the page has it.
 */
import { askServer, readSession, ServerError } from "../../broker/session.js";

export interface ListedNode {
  readonly id: number;
  readonly http_addr: string;
  readonly tcp_addr: string;
  /** In the local time of whoever listed it. */
  readonly join_time: string;
  readonly weight: number;
  readonly healthy: boolean;
}

export interface ListedNodes {
  readonly list: {
    /** In etcd a node that is added by hand stays until it is removed by hand. */
    readonly kind: "registry" | "etcd";
    readonly name: string;
  };
  readonly nodes: readonly ListedNode[];
}

export type NewNode = Pick<ListedNode, "tcp_addr" | "http_addr" | "weight"> & { readonly node_id: number };

/** Where a token is asked for, so does the page then. */
const asking = async (method?: string, body?: unknown): Promise<unknown> => {
  try {
    return await askServer("nodes", method, body);
  } catch (error) {
    if (error instanceof ServerError && error.code === "UNAUTHORIZED") await readSession().catch(() => {});
    throw error;
  }
};

export const readNodes = async (): Promise<ListedNodes> => (await asking()) as ListedNodes;

export const addNode = (node: NewNode): Promise<unknown> => asking("POST", node);

export const setWeight = (tcp_addr: string, weight: number): Promise<unknown> => asking("PATCH", { tcp_addr, weight });

export const removeNode = (tcp_addr: string): Promise<unknown> => asking("DELETE", { tcp_addr });
