/**
 * A node in etcd: a key under a lease. The lease ends by itself when nobody keeps it alive, and with it the key, so that a
 * node that died is not found for longer than that.
 */
import { entryOf, nodeKey, readEntry } from "../discovery/etcd.js";
import { EtcdGateway, EtcdRefusal, toBase64 } from "../discovery/etcd-gateway.js";
import { isObject, type NodeInfo } from "../discovery/node-info.js";
import type { Listing } from "./presence.js";

export class EtcdListing implements Listing {
  readonly name: string;
  readonly #gateway: EtcdGateway;
  readonly #node: NodeInfo;
  readonly #leaseSeconds: number;
  readonly #timeout: number;
  readonly #key: string;
  /** Undefined: none that would still be known to live. */
  #lease: string | undefined;

  /** @throws RangeError when one of the endpoints is no address. */
  constructor(endpoints: readonly string[], node: NodeInfo, leaseSeconds: number, timeout: number) {
    this.#gateway = new EtcdGateway(endpoints);
    this.name = `etcd ${endpoints.join(",")}`;
    this.#node = node;
    this.#leaseSeconds = leaseSeconds;
    this.#timeout = timeout;
    this.#key = toBase64(nodeKey(node.id));
  }

  async ensure(signal: AbortSignal): Promise<boolean> {
    if (this.#lease !== undefined && !(await this.#keepAlive(this.#lease, signal))) this.#lease = undefined;
    const found = await this.#find(signal);
    if (found !== undefined && !this.#isOwn(found.entry)) {
      throw new EtcdRefusal(`another node has the id ${this.#node.id}: ${shown(found.entry)}`);
    }
    if (this.#lease !== undefined && found?.lease === this.#lease) return false;
    this.#lease ??= await this.#grant(signal);
    const put = { key: this.#key, value: toBase64(entryOf(this.#node)), lease: this.#lease };
    await this.#call("/v3/kv/put", put, signal);
    return true;
  }

  async withdraw(signal: AbortSignal): Promise<void> {
    if (this.#lease !== undefined) await this.#revoke(this.#lease, signal);
    // This life may not have come to replace the entry of a former one, whose lease nobody else ends.
    const found = await this.#find(signal);
    if (isObject(found?.entry) && this.#isOwn(found.entry)) {
      await this.#call("/v3/kv/deleterange", { key: this.#key }, signal);
    }
  }

  async #revoke(lease: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#call("/v3/lease/revoke", { ID: lease }, signal);
    } catch (error) {
      // It ran out before.
      if (!(error instanceof EtcdRefusal)) throw error;
    }
  }

  /** False: etcd does not know the lease (any more). */
  async #keepAlive(lease: string, signal: AbortSignal): Promise<boolean> {
    const { result } = await this.#call("/v3/lease/keepalive", { ID: lease }, signal);
    return isObject(result) && Number(result["TTL"] ?? 0) > 0;
  }

  async #grant(signal: AbortSignal): Promise<string> {
    const { ID: lease } = await this.#call("/v3/lease/grant", { TTL: String(this.#leaseSeconds) }, signal);
    if (typeof lease !== "string" || !/^-?\d{1,20}$/.test(lease)) throw new EtcdRefusal("etcd grants no lease");
    return lease;
  }

  /** What is under the node's key. */
  async #find(signal: AbortSignal): Promise<{ readonly lease: unknown; readonly entry: unknown } | undefined> {
    const { kvs } = await this.#call("/v3/kv/range", { key: this.#key }, signal);
    const found: unknown = Array.isArray(kvs) ? kvs[0] : undefined;
    return isObject(found) ? { lease: found["lease"], entry: readEntry(found["value"]) } : undefined;
  }

  /** An entry of this node or of a former life of it. What is no node's entry is in nobody's way. */
  #isOwn(entry: unknown): boolean {
    if (!isObject(entry)) return true;
    return entry["tcp_addr"] === this.#node.tcpAddress && entry["http_addr"] === this.#node.httpAddress;
  }

  #call(path: string, request: object, signal: AbortSignal): Promise<Readonly<Record<string, unknown>>> {
    return this.#gateway.call(path, request, { signal, timeout: this.#timeout });
  }
}

const MAX_SHOWN = 256;

const shown = (entry: unknown): string => JSON.stringify(entry).slice(0, MAX_SHOWN);
