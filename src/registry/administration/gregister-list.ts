/** The list of a gregister, ours or one of gmq's; or of several, which are to have the same nodes. */
import { listRegistered, RegistryRefusal, requestRegistry } from "../discovery/gregister.js";
import { type RequestOptions, UnreachableError } from "../discovery/json-request.js";
import { serviceUrl } from "../discovery/node-address.js";
import type { NodeInfo } from "../discovery/node-info.js";
import type { NewNode, NodeList } from "./node-list.js";

/** For a registry that has to find out that the node's ports do not answer. */
const ADD_TIMEOUT = 6_000;

export class GregisterList implements NodeList {
  readonly kind = "registry";
  readonly name: string;
  readonly #registries: readonly string[];

  /** @throws RangeError when one of them is no address, or there is none. */
  constructor(registries: readonly string[]) {
    if (registries.length === 0) throw new RangeError("there has to be at least one registry");
    this.#registries = registries.map(serviceUrl);
    this.name = this.#registries.join(", ");
  }

  /** Of the first that answers. */
  async list(options: RequestOptions): Promise<readonly NodeInfo[]> {
    let failure: unknown;
    for (const registry of this.#registries) {
      try {
        return await listRegistered(registry, options);
      } catch (error) {
        if (!(error instanceof UnreachableError)) throw error;
        failure ??= error;
      }
    }
    throw failure;
  }

  add({ id, tcpAddress, httpAddress, weight }: NewNode, options: RequestOptions): Promise<void> {
    const node = { tcp_addr: tcpAddress, http_addr: httpAddress, weight: String(weight), node_id: String(id) };
    return this.#change("/register", node, { timeout: ADD_TIMEOUT, ...options });
  }

  setWeight(tcpAddress: string, weight: number, options: RequestOptions): Promise<void> {
    return this.#change("/editWeight", { tcp_addr: tcpAddress, weight: String(weight) }, options);
  }

  remove(tcpAddress: string, options: RequestOptions): Promise<void> {
    return this.#change("/unregister", { tcp_addr: tcpAddress }, options);
  }

  /** In each, whatever becomes of it in the others; where there are several, a failure tells which. */
  async #change(path: string, parameters: Readonly<Record<string, string>>, options: RequestOptions): Promise<void> {
    const made = await Promise.allSettled(
      this.#registries.map((each) => requestRegistry(each, path, parameters, options)),
    );
    const at = made.findIndex(({ status }) => status === "rejected");
    const failed = made[at];
    if (failed?.status !== "rejected") return;
    const { reason } = failed;
    if (this.#registries.length === 1 || !(reason instanceof RegistryRefusal)) throw reason;
    throw new RegistryRefusal(`${this.#registries[at]}: ${reason.message}`);
  }
}
