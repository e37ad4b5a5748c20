/**
 * All watches of a client of several nodes.
 */
import { unobserved } from "../base/deferred.js";
import type { Client } from "../client.js";
import { noNode } from "./node-errors.js";
import type { NodeLink } from "./node-link.js";
import { NodesWatch } from "./nodes-watch.js";

export class NodesWatching {
  readonly #watches = new Set<NodesWatch>();

  /** Resolves when one of the nodes has begun; rejects when all that are connected refuse. */
  async begin(links: readonly NodeLink[]): Promise<NodesWatch> {
    const watch = new NodesWatch((left) => this.#watches.delete(left));
    this.#watches.add(watch);
    const answered = Promise.all(links.map(async ({ client, url }) => client && watch.join(client, url)));
    // One that hangs must not hold up the others.
    const hasFailed = await Promise.race([answered.then(() => !watch.isWatching), watch.started.then(() => false)]);
    if (!hasFailed) return watch;
    await watch.return();
    throw [...watch.failed.values()].at(-1) ?? noNode();
  }

  /** A node takes requests, with this client. */
  connected(client: Client, url: string): void {
    for (const watch of this.#watches) unobserved(watch.join(client, url));
  }

  /** The client was closed. */
  ended(): void {
    for (const watch of this.#watches) watch.ended();
    this.#watches.clear();
  }
}
