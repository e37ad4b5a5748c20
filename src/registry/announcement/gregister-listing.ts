/** A node in the list of a gregister: ours, or one of gmq's. */
import { listRegistered, RegistryRefusal, requestRegistry } from "../discovery/gregister.js";
import type { RequestOptions } from "../discovery/json-request.js";
import { serviceUrl } from "../discovery/node-address.js";
import type { NodeInfo } from "../discovery/node-info.js";
import type { Listing } from "./presence.js";

export class GregisterListing implements Listing {
  readonly name: string;
  readonly #registry: string;
  readonly #node: NodeInfo;
  readonly #options: Pick<RequestOptions, "timeout" | "token">;
  /** This life of the node has been taken into the list. */
  #isRegistered = false;
  /** A request to list it was sent and not refused. */
  #mayBeListed = false;

  /** @throws RangeError when `registry` is no address. */
  constructor(registry: string, node: NodeInfo, options: Pick<RequestOptions, "timeout" | "token">) {
    this.#registry = serviceUrl(registry);
    this.name = `registry ${this.#registry}`;
    this.#node = node;
    this.#options = options;
  }

  /** Registers first and looks afterwards: an entry of a former life may have another weight. */
  async ensure(signal: AbortSignal): Promise<boolean> {
    if (this.#isRegistered && (await this.#isListed(signal))) return false;
    try {
      await this.#register(signal);
    } catch (error) {
      // gmq's registry refuses a node that it lists already, though it is the same.
      if (!(error instanceof RegistryRefusal) || !(await this.#isListed(signal))) throw error;
      this.#mayBeListed = true;
    }
    this.#isRegistered = true;
    return true;
  }

  async withdraw(signal: AbortSignal): Promise<void> {
    // The address may stand for another node when this one was refused.
    if (!this.#mayBeListed) return;
    try {
      await this.#request("/unregister", { tcp_addr: this.#node.tcpAddress }, signal);
    } catch (error) {
      // It was not listed (any more).
      if (!(error instanceof RegistryRefusal)) throw error;
    }
  }

  async #register(signal: AbortSignal): Promise<void> {
    const { id, tcpAddress, httpAddress, weight } = this.#node;
    this.#mayBeListed = true;
    try {
      const parameters = { tcp_addr: tcpAddress, http_addr: httpAddress, weight: String(weight), node_id: String(id) };
      await this.#request("/register", parameters, signal);
    } catch (error) {
      if (error instanceof RegistryRefusal) this.#mayBeListed = false;
      throw error;
    }
  }

  async #isListed(signal: AbortSignal): Promise<boolean> {
    const { id, tcpAddress, httpAddress } = this.#node;
    const nodes = await listRegistered(this.#registry, { ...this.#options, signal });
    return nodes.some((at) => at.id === id && at.tcpAddress === tcpAddress && at.httpAddress === httpAddress);
  }

  #request(path: string, parameters: Readonly<Record<string, string>>, signal: AbortSignal): Promise<unknown> {
    return requestRegistry(this.#registry, path, parameters, { ...this.#options, signal });
  }
}
