/**
 * Messages that are named by their ids or keys, and dead letters: whichever node has them.
 */

import { type DeadLetterGroups, joined } from "../arguments/dead-letter-groups.js";
import type { BrowseOptions, PurgeOptions, RedriveOptions } from "../arguments/options.js";
import { deferred } from "../base/deferred.js";
import { localError, type RingmqError } from "../base/error.js";
import type { Client } from "../client.js";
import type { FoundMessage } from "../consume/found-message.js";
import { faultError, inAll, type Settlement, type SettlementFault } from "../consume/settle-result.js";
import type { StoredMessage } from "../consume/stored-message.js";
import type { DeadLetterSource } from "../dead-letters/dead-letters.js";
import { isAbsence, isForAnotherNode, noNode } from "./node-errors.js";
import type { NodeLink } from "./node-link.js";

/** What the nodes have answered. */
interface Answers<T> {
  /** Of those that know the topic and the queue, in the order of the nodes. */
  readonly all: T[];
  /** Why one of the others cannot tell. */
  readonly failure: RingmqError | undefined;
}

export class NodesMessages implements DeadLetterSource {
  /** The nodes, connected or not. */
  readonly #nodes: () => readonly NodeLink[];

  constructor(nodes: () => readonly NodeLink[]) {
    this.#nodes = nodes;
  }

  async lookup(topic: string, message: string | { readonly key: string }): Promise<FoundMessage | undefined> {
    return (await this.#find(topic, message))?.found;
  }

  /** The client of the node that has a message. Throws UNKNOWN_MESSAGE. */
  async holderOf(topic: string, id: string): Promise<Client> {
    const known = await this.#find(topic, id);
    if (known === undefined) throw faultError(id, "UNKNOWN_MESSAGE");
    return known.client;
  }

  /** Dead letters of the connected nodes, of one node behind those of another. */
  async browse(topic: string, { queue, max = 0, ...options }: BrowseOptions): Promise<StoredMessage[]> {
    let { offset = 0 } = options;
    const messages: StoredMessage[] = [];
    const all = await this.ofConnected(async (client) => ({ client, stats: await client.stats(topic) }));
    for (const { client, stats } of all) {
      const { deadLetters = 0 } = stats.queues.find(({ bindKey }) => bindKey === queue) ?? {};
      if (offset >= deadLetters) {
        offset -= deadLetters;
        continue;
      }
      const page = await client.browse(topic, { ...options, queue, offset, max: max - messages.length });
      messages.push(...page);
      // What does not fit in one answer begins the next page.
      if (messages.length >= max || offset + page.length < deadLetters) break;
      offset = 0;
    }
    return messages;
  }

  /** Of the dead letters of the connected nodes. */
  readonly inspection = {
    deadGroups: async (topic: string, queue: string, max: number): Promise<DeadLetterGroups> => {
      const all = await this.ofConnected((client) => client.inspection.deadGroups(topic, queue, max));
      return joined(all, max);
    },
  };

  redrive(topic: string, options: RedriveOptions): Promise<Settlement> {
    const redrive = (client: Client): Promise<Settlement> => client.redrive(topic, options);
    return options.ids === undefined ? this.ofConnected(redrive).then(inAll) : this.settle(redrive);
  }

  async purge(topic: string, options: PurgeOptions): Promise<number> {
    const all = await this.ofConnected((client) => client.purge(topic, options));
    return all.reduce((sum, count) => sum + count, 0);
  }

  /** A message, and who has it. One node that hangs does not hold up another that knows. */
  async #find(
    topic: string,
    message: string | { readonly key: string },
  ): Promise<{ client: Client; found: FoundMessage } | undefined> {
    const first = deferred<{ client: Client; found: FoundMessage }>();
    const asked = this.#ask(this.#nodes(), async (client) => {
      const found = await client.lookup(topic, message);
      if (found !== undefined) first.resolve({ client, found });
    });
    const nowhere = async (): Promise<undefined> => {
      const { failure } = await asked;
      if (failure !== undefined) throw failure;
    };
    return Promise.race([first.promise, nowhere()]);
  }

  /** Does it at all nodes. A message that one of them knows of is no fault of the others. */
  async settle(act: (client: Client) => Promise<Settlement>): Promise<Settlement> {
    const { all, failure } = await this.#ask(this.#nodes(), act);
    return { settled: inAll(all).settled, faults: faultsOfAll(all, failure) };
  }

  /**
   * Asks the connected nodes; one that is away when this begins is left out. Answers of those that know the topic and the queue, in
   * the order of the nodes.
   */
  async ofConnected<T>(ask: (client: Client, url: string) => Promise<T>): Promise<T[]> {
    const connected = this.#nodes().filter(({ client }) => client !== undefined);
    const { all, failure } = await this.#ask(connected, ask);
    if (failure !== undefined) throw failure;
    return all;
  }

  /** Asks all of these nodes at once. Rejects when none of them can answer, and when one refuses what all would refuse. */
  async #ask<T>(nodes: readonly NodeLink[], ask: (client: Client, url: string) => Promise<T>): Promise<Answers<T>> {
    let absence: RingmqError | undefined;
    let failure = nodes.length === 0 ? noNode() : undefined;
    const askOne = async ({ client, url }: NodeLink): Promise<T[]> => {
      try {
        if (client === undefined) throw localError("CONNECT_FAILED", `${url} is not connected, and may have it`);
        return [await ask(client, url)];
      } catch (error) {
        if (isAbsence(error)) absence = error;
        else if (isForAnotherNode(error)) failure = error;
        else throw error;
        return [];
      }
    };
    const all = (await Promise.all(nodes.map(askOne))).flat(1) as T[];
    if (all.length > 0) return { all, failure };
    throw failure ?? absence;
  }
}

/** What is nowhere, by what all nodes have answered; what is only not found, as long as one of them could not tell: so. */
const faultsOfAll = (all: readonly Settlement[], failure: RingmqError | undefined): SettlementFault[] => {
  const unknown = new Map<string, { fault: SettlementFault; nodes: number }>();
  const told = new Map<string, SettlementFault>();
  for (const { faults } of all) {
    // A message that was named twice, or is in several queues, counts once for a node.
    for (const [name, fault] of new Map(faults.map((fault) => [fault.key ?? fault.id, fault]))) {
      if (fault.code !== "UNKNOWN_MESSAGE") told.set(name, fault);
      else unknown.set(name, { fault, nodes: (unknown.get(name)?.nodes ?? 0) + 1 });
    }
  }
  const code = failure?.code ?? "UNKNOWN_MESSAGE";
  for (const [name, { fault, nodes }] of unknown) {
    if (nodes === all.length && !told.has(name)) told.set(name, { ...fault, code });
  }
  return [...told.values()];
};
