/**
 * How a node does: its samples, for as long as somebody looks.
 */
import { type BrokerSample, type Client, connect, RingmqError } from "ringmq/client";
import { socketOf } from "../../broker/link.js";

/** How often it tries to reach a node that cannot be watched. Milliseconds. */
const RETRY = 5_000;

/** As many as rates are told by. */
const KEPT = 4;

export interface WatchedNode {
  /** The last few; none: it tells nothing. */
  readonly samples: readonly BrokerSample[];
  /** Why not. */
  readonly error: Error | undefined;
}

/** Calls `tell` with the last samples of a node with each that comes, over a connection of its own, until `signal` ends it. */
const follow = async (id: number, signal: AbortSignal, tell: (node: WatchedNode) => void): Promise<never> => {
  let client: Client | undefined;
  const leave = (): void => void client?.close().catch(() => {});
  signal.addEventListener("abort", leave);
  try {
    client = await connect(socketOf(String(id)), { name: "console", reconnect: false, signal });
    const watch = await client.watch();
    let samples = watch.history.slice(-KEPT);
    tell({ samples, error: undefined });
    for await (const sample of watch) {
      samples = [...samples, sample].slice(-KEPT);
      tell({ samples, error: undefined });
    }
    throw (await client.closed) ?? new Error("closed");
  } finally {
    signal.removeEventListener("abort", leave);
    leave();
  }
};

/** The same, from attempt to attempt. */
export const watchNode = async (id: number, signal: AbortSignal, tell: (node: WatchedNode) => void): Promise<void> => {
  for (;;) {
    try {
      await follow(id, signal, tell);
    } catch (reason) {
      if (signal.aborted) return;
      const error = reason instanceof Error ? reason : new Error(String(reason));
      tell({ samples: [], error });
      // Who is refused is refused again, and whoever is refused often has to wait.
      if (error instanceof RingmqError && !error.retryable) return;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY));
    if (signal.aborted) return;
  }
};
