/** Whether nodes answer, and by which scheme. All who ask within a moment hear the same, so that many cost no more than one. */
import { answersPing, type PingScheme } from "../registry/server/probe.js";

/** Milliseconds: how long an answer stands, and how long a ping may take. */
const FRESH = 2_000;
const TIMEOUT = 2_000;

/** Under way at once of whole lists; the others wait: 1,024 nodes that do not answer are through in eight seconds. */
const MAX_PINGS = 256;

interface Ping {
  readonly scheme: Promise<PingScheme | undefined>;
  /** When it was answered, or was not in time; undefined: it waits or is under way. */
  endedAt: number | undefined;
}

export class NodePings {
  /** By address; those that are listed, of the last time that all were asked, and those that have not ended. */
  #pings = new Map<string, Ping>();
  #underWay = 0;
  /** By address: begins the ping. */
  readonly #waiting = new Map<string, () => void>();

  /** The scheme by which an address of the list answers; undefined: it does not. It does not wait for those of whole lists. */
  one(address: string): Promise<PingScheme | undefined> {
    const scheme = this.#asked(address);
    this.#begin(address);
    return scheme;
  }

  /** The same of the whole list. What is no longer in it is forgotten. */
  async all(addresses: readonly string[]): Promise<(PingScheme | undefined)[]> {
    const listed = new Set(addresses);
    for (const [address, { endedAt }] of this.#pings) {
      if (endedAt !== undefined && !listed.has(address)) this.#pings.delete(address);
    }
    return await Promise.all(addresses.map((address) => this.#asked(address)));
  }

  /** One that has not ended is everybody's, however long it waits: asking again makes the queue no longer. */
  #asked(address: string): Promise<PingScheme | undefined> {
    const before = this.#pings.get(address);
    if (before !== undefined && (before.endedAt === undefined || performance.now() - before.endedAt < FRESH)) {
      return before.scheme;
    }
    const ping: Ping = {
      scheme: this.#ping(address, before, () => (ping.endedAt = performance.now())),
      endedAt: undefined,
    };
    this.#pings.set(address, ping);
    return ping.scheme;
  }

  async #ping(address: string, before: Ping | undefined, ended: () => void): Promise<PingScheme | undefined> {
    if (this.#underWay >= MAX_PINGS) await new Promise<void>((resolve) => this.#waiting.set(address, resolve));
    this.#underWay++;
    try {
      return await answersPing(address, TIMEOUT, { hint: await before?.scheme });
    } finally {
      ended();
      this.#underWay--;
      const [next] = this.#underWay < MAX_PINGS ? this.#waiting.keys() : [];
      if (next !== undefined) this.#begin(next);
    }
  }

  #begin(address: string): void {
    const begin = this.#waiting.get(address);
    this.#waiting.delete(address);
    begin?.();
  }
}
