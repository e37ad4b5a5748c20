/**
 * Connects a client to several nodes.
 */
import { deferred } from "../base/deferred.js";
import { localError } from "../base/error.js";
import type { Tokens } from "../connection/address.js";
import { PendingBytes } from "../connection/pending-bytes.js";
import { openClient } from "../open-client.js";
import { Numbering } from "../publish/numbering.js";
import { Tracing } from "../tracing/tracing.js";
import { nodesFrom } from "./node-lists.js";
import { readNodesOptions, readSource } from "./nodes-checks.js";
import { NodesClient } from "./nodes-client.js";
import type { ConnectNodesOptions, NodesSource } from "./options.js";
import { createPicker } from "./picker.js";

/**
 * Connects to the nodes that a registry lists, that announce themselves in etcd, or that the program names. Resolves when
 * one of them is connected; the others follow. Rejects when the list cannot be read or is empty, and when none of its nodes
 * can be connected to: with CONNECT_FAILED, with ABORTED by `signal`, or with BAD_ARGUMENT.
 *
 * ```ts
 * const client = await connectNodes({ registry: "http://127.0.0.1:9595" });
 * await client.publish("orders", "hello");
 * ```
 */
export const connectNodes = async (source: NodesSource, options: ConnectNodesOptions = {}): Promise<NodesClient> => {
  const { connect, pick, select, scheme, refreshInterval, pingInterval, retryTimeout } = readNodesOptions(options);
  const { maxPendingBytes, signal, ...rest } = connect;
  const tokens: Tokens = new Map();
  const read = nodesFrom(readSource(source), scheme, tokens);
  const pendingBytes = new PendingBytes(maxPendingBytes);
  const numbering = new Numbering();
  const open = (url: string, closing: AbortSignal) =>
    openClient(url, { ...rest, token: tokens.get(url) ?? rest.token, maxPendingBytes, signal: closing }, pendingBytes, {
      numbering,
    });
  const client = new NodesClient(
    { read, open, refreshInterval, pingInterval },
    createPicker(pick),
    select,
    pendingBytes,
    numbering,
    retryTimeout,
    new Tracing(connect.trace),
  );
  const aborted = deferred<never>();
  const abort = (): void => {
    aborted.reject(localError("ABORTED", "connecting to the nodes was given up by its signal", signal?.reason));
  };
  try {
    if (signal?.aborted === true) abort();
    signal?.addEventListener("abort", abort, { once: true });
    await Promise.race([client.start(), aborted.promise]);
    return client;
  } catch (error) {
    await client.close();
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
};
