/**
 * The connection to the broker: the client, and how it gets on, as signals. It is kept as long as the page is open, made again when it
 * is lost, and made anew when another node is chosen or another user logs in.
 */
import { computed, effect, signal } from "@preact/signals";
import { type Client, type ConnectionStatus, connect, RingmqError } from "ringmq/client";
import { NODE, node } from "../base/route.js";
import { placeOf, readSession, ServerError, session } from "./session.js";

/** How the page is connected. */
export type Link =
  | { readonly type: "connecting" }
  | { readonly type: "connected" }
  /** There was none yet, and there is still none. */
  | { readonly type: "waiting"; readonly error: Error }
  /** It was lost, and is being made again; `error` is why it was lost, or why the last attempt has failed. */
  | { readonly type: "lost"; readonly error: Error }
  /** It is not made again by itself. */
  | { readonly type: "ended"; readonly error: Error };

export const link = signal<Link>({ type: "connecting" });

/** The client; undefined before it was connected once, and after it has ended. */
export const client = signal<Client | undefined>(undefined);

/** As whom it connects, and to what; undefined: it does not. What else changes of the session is no reason to connect anew. */
const wanted = computed((): string | undefined => {
  const { value: who } = session;
  const { value: id } = node;
  if (who === undefined || who.login || (who.kind === "nodes" && id === undefined)) return undefined;
  return JSON.stringify([who.kind, who.user, id]);
});

/** Counts attempts that the reader has asked for. */
const attempts = signal(0);

/** How often it tries to reach a server that does not answer. Milliseconds. */
const RETRY = 2_000;

/** Where the page speaks the native protocol; `id`: of a node, where there are several. */
export const socketOf = (id: string | undefined): string => {
  const place = placeOf("mq");
  place.protocol = place.protocol.replace("http", "ws");
  if (id !== undefined) place.searchParams.set(NODE, id);
  return place.href;
};

const linkOf = (status: ConnectionStatus): Link | undefined => {
  switch (status.type) {
    case "connected":
      return { type: "connected" };
    case "disconnected":
      return { type: "lost", error: status.error };
    case "draining":
      return status.reason === undefined ? undefined : { type: "lost", error: status.reason };
    default:
      return undefined;
  }
};

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

/** Connects, and follows the connection until it ends or `signal` ends it. */
const follow = async (url: string, signal: AbortSignal): Promise<void> => {
  const connected = await connect(url, { name: "console", signal });
  const leave = (): void => void connected.close().catch(() => {});
  if (signal.aborted) return leave();
  signal.addEventListener("abort", leave);
  client.value = connected;
  for await (const status of connected.status()) {
    if (signal.aborted) return;
    link.value = linkOf(status) ?? link.value;
    // A broker that was started again knows nobody any more: then this connection is given up for a login. It may be another version.
    if (status.type === "disconnected" || status.type === "connected") void readSession().catch(() => {});
  }
  throw (await connected.closed) ?? new ServerError("CLIENT_CLOSED", "the connection was closed");
};

/** The same, from attempt to attempt, until it was connected once. */
const keepFollowing = async (url: string, signal: AbortSignal): Promise<void> => {
  for (;;) {
    try {
      return await follow(url, signal);
    } catch (error) {
      if (signal.aborted) return;
      await readSession().catch(() => {});
      if (signal.aborted) return;
      const isOver = client.value !== undefined || !(error instanceof RingmqError && error.retryable);
      client.value = undefined;
      link.value = { type: isOver ? "ended" : "waiting", error: asError(error) };
      if (isOver) return;
      await new Promise((resolve) => setTimeout(resolve, RETRY));
      if (signal.aborted) return;
    }
  }
};

/** Reads who the reader is, until the server answers. */
const findSession = async (): Promise<void> => {
  try {
    await readSession();
  } catch (error) {
    link.value = { type: "waiting", error: asError(error) };
    setTimeout(() => void findSession(), RETRY);
  }
};

/** Connects anew, after it has ended. */
export const connectAgain = (): void => {
  attempts.value += 1;
};

/** Begins, once for the page. */
export const startLink = (): void => {
  void findSession();
  effect(() => {
    attempts.value;
    if (wanted.value === undefined) return undefined;
    const url = socketOf(node.peek());
    link.value = { type: "connecting" };
    const controller = new AbortController();
    void keepFollowing(url, controller.signal);
    return () => {
      controller.abort();
      client.value = undefined;
    };
  });
};
