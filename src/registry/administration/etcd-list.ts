/**
 * The nodes in etcd. What is changed here is changed only as it was read: a node may announce itself at the same time. Under
 * its key a node that announces itself has a lease, which a change leaves; one that is added by hand has none, so nobody
 * drops it when it is gone.
 */
import { entryOf, listAnnounced, nodeKey } from "../discovery/etcd.js";
import { EtcdGateway, toBase64 } from "../discovery/etcd-gateway.js";
import type { RequestOptions } from "../discovery/json-request.js";
import { formatJoinTime, isObject, type NodeInfo } from "../discovery/node-info.js";
import { acceptsTcp, answersPing } from "../server/probe.js";
import { ListRefusal, type NewNode, type NodeList } from "./node-list.js";

/** Milliseconds in which a node that is added has to answer. */
const PROBE_TIMEOUT = 2_000;

export class EtcdList implements NodeList {
  readonly kind = "etcd";
  readonly name: string;
  readonly #endpoints: readonly string[];
  readonly #gateway: EtcdGateway;

  /** @throws RangeError when one of the endpoints is no address, or there is none. */
  constructor(endpoints: readonly string[]) {
    this.#endpoints = endpoints;
    this.#gateway = new EtcdGateway(endpoints);
    this.name = `etcd ${endpoints.join(", ")}`;
  }

  list(options: RequestOptions): Promise<readonly NodeInfo[]> {
    return listAnnounced(this.#endpoints, options);
  }

  async add(node: NewNode, options: RequestOptions): Promise<void> {
    const { id, tcpAddress, httpAddress } = node;
    for (const other of await this.list(options)) {
      // In a registry's words.
      if (other.id === id) throw new ListRefusal(`node.Id ${id} has exist`);
      if (other.tcpAddress === tcpAddress) throw new ListRefusal(`node.tcpAddr ${tcpAddress} has exist`);
      if (other.httpAddress === httpAddress) throw new ListRefusal(`node.httpAddr ${httpAddress} has exist`);
    }
    const [scheme, accepts] = await Promise.all([
      answersPing(httpAddress, PROBE_TIMEOUT),
      acceptsTcp(tcpAddress, PROBE_TIMEOUT),
    ]);
    if (scheme === undefined) throw new ListRefusal(`http_addr ${httpAddress} does not answer /ping`);
    if (!accepts) throw new ListRefusal(`tcp_addr ${tcpAddress} does not accept connections`);
    const key = toBase64(nodeKey(id));
    const value = toBase64(entryOf({ ...node, joinTime: formatJoinTime(new Date()) }));
    const isFree = { key, target: "CREATE", create_revision: "0" };
    await this.#transact(isFree, { request_put: { key, value } }, options);
  }

  async setWeight(tcpAddress: string, weight: number, options: RequestOptions): Promise<void> {
    const { node, revision } = await this.#find(tcpAddress, options);
    const key = toBase64(nodeKey(node.id));
    const put = { key, value: toBase64(entryOf({ ...node, weight })), ignore_lease: true };
    await this.#transact({ key, target: "MOD", mod_revision: revision }, { request_put: put }, options);
  }

  async remove(tcpAddress: string, options: RequestOptions): Promise<void> {
    const { node, revision } = await this.#find(tcpAddress, options);
    const key = toBase64(nodeKey(node.id));
    await this.#transact({ key, target: "MOD", mod_revision: revision }, { request_delete_range: { key } }, options);
  }

  async #find(
    tcpAddress: string,
    options: RequestOptions,
  ): Promise<{ readonly node: NodeInfo; readonly revision: string }> {
    const node = (await this.list(options)).find((each) => each.tcpAddress === tcpAddress);
    if (node === undefined) throw new ListRefusal("addr is not exist");
    const { kvs } = await this.#gateway.call("/v3/kv/range", { key: toBase64(nodeKey(node.id)) }, options);
    const found: unknown = Array.isArray(kvs) ? kvs[0] : undefined;
    const revision = isObject(found) ? found["mod_revision"] : undefined;
    if (typeof revision !== "string") throw new ListRefusal("addr is not exist");
    return { node, revision };
  }

  async #transact(condition: object, change: object, options: RequestOptions): Promise<void> {
    const request = { compare: [{ result: "EQUAL", ...condition }], success: [change] };
    const { succeeded } = await this.#gateway.call("/v3/kv/txn", request, options);
    if (succeeded !== true) throw new ListRefusal("the node was changed by somebody else at the same time; look again");
  }
}
