/**
 * Pings the nodes: those that are listed, to drop one that leaves several pings in a row unanswered, and those that were
 * dropped, to take one back when it answers. The two go round by themselves, so that nodes that are gone, which take the
 * longest, keep nobody waiting who lives.
 */
import type { ClientRequest } from "node:http";
import { setTimeout } from "node:timers/promises";
import type { Log } from "../../main/log.js";
import type { Directory } from "./directory.js";
import { dropped, type KnownNode, listed, withDropped, withoutDropped } from "./node-table.js";
import type { ResolvedOptions } from "./options.js";
import { answersPing, endPings, type PingScheme } from "./probe.js";

/** Pings under way of each round: 1,024 nodes that do not answer are through in half a minute. */
const MAX_PINGS = 64;

type HealthOptions = Pick<ResolvedOptions, "pingInterval" | "pingTimeout" | "maxMissedPings" | "dropMemory" | "log">;

export class Health {
  readonly #directory: Directory;
  readonly #options: HealthOptions;
  readonly #log: Log;
  readonly #closing = new AbortController();
  readonly #rounds: Promise<unknown>;
  /** Pings in a row that a listed node has not answered, by id. */
  readonly #missed = new Map<number, number>();
  readonly #underWay = new Set<ClientRequest>();
  /** How a node was reached the last time, by id. There are as many as ids. */
  readonly #schemes = new Map<number, PingScheme>();

  constructor(directory: Directory, options: HealthOptions) {
    this.#directory = directory;
    this.#options = options;
    this.#log = options.log;
    this.#rounds = Promise.all([this.#goRound(() => this.#pingListed()), this.#goRound(() => this.#pingDropped())]);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    endPings(this.#underWay);
    await this.#rounds;
  }

  async #goRound(round: () => Promise<void>): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await round();
      // The event loop is held open by the port.
      await setTimeout(this.#options.pingInterval, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  async #pingListed(): Promise<void> {
    const nodes = listed(this.#directory.table);
    const ids = new Set(nodes.map(({ id }) => id));
    for (const id of this.#missed.keys()) if (!ids.has(id)) this.#missed.delete(id);
    await this.#pingEach(nodes, (node, answers) => {
      const missed = answers ? 0 : (this.#missed.get(node.id) ?? 0) + 1;
      this.#missed.set(node.id, missed);
      if (missed < this.#options.maxMissedPings) return;
      this.#missed.delete(node.id);
      if (this.#note(node, Date.now())) this.#log.warn(fields(node), `a node missed ${missed} pings and is dropped`);
    });
  }

  async #pingDropped(): Promise<void> {
    // Also saves what could not be saved before.
    this.#directory.note(withoutDropped(this.#directory.table, Date.now() - this.#options.dropMemory));
    await this.#pingEach(dropped(this.#directory.table), (node, answers) => {
      if (answers && this.#note(node, undefined))
        this.#log.info(fields(node), "a node answers again and is taken back");
    });
  }

  /** Whether that was news. */
  #note(node: KnownNode, droppedAt: number | undefined): boolean {
    const before = this.#directory.table;
    this.#directory.note(withDropped(before, node, droppedAt));
    return this.#directory.table !== before;
  }

  async #pingEach(nodes: readonly KnownNode[], then: (node: KnownNode, answers: boolean) => void): Promise<void> {
    const { signal } = this.#closing;
    const waiting = nodes.values();
    const worker = async (): Promise<void> => {
      for (const node of waiting) {
        if (signal.aborted) return;
        const options = { underWay: this.#underWay, hint: this.#schemes.get(node.id) };
        const scheme = await answersPing(node.httpAddress, this.#options.pingTimeout, options);
        if (scheme !== undefined) this.#schemes.set(node.id, scheme);
        if (!signal.aborted) then(node, scheme !== undefined);
      }
    };
    await Promise.all(Array.from({ length: Math.min(MAX_PINGS, nodes.length) }, worker));
  }
}

const fields = ({ id, tcpAddress, httpAddress }: KnownNode): object => ({ node: id, tcpAddress, httpAddress });
