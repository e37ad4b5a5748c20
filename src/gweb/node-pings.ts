/** Whether nodes answer, and by which scheme. All who ask within a moment hear the same, so that many cost no more than one. */
import { answersPing, type PingScheme } from "../registry/server/probe.js";

/** Milliseconds: how long an answer stands, and how long a ping may take. */
const FRESH = 2_000;
const TIMEOUT = 2_000;

/** Under way at once; the others wait. */
const MAX_PINGS = 64;

interface Ping {
  readonly at: number;
  readonly scheme: Promise<PingScheme | undefined>;
}

export class NodePings {
  /** By address; those that are listed, of the last time that all were asked. */
  #pings = new Map<string, Ping>();
  #underWay = 0;
  readonly #waiting: (() => void)[] = [];

  /** The scheme by which an address of the list answers; undefined: it does not. */
  one(address: string): Promise<PingScheme | undefined> {
    const now = performance.now();
    const before = this.#pings.get(address);
    if (before !== undefined && now - before.at < FRESH) return before.scheme;
    const scheme = this.#ping(address, before);
    this.#pings.set(address, { at: now, scheme });
    return scheme;
  }

  /** The same of the whole list. What is no longer in it is forgotten. */
  async all(addresses: readonly string[]): Promise<(PingScheme | undefined)[]> {
    const kept = new Map<string, Ping>();
    for (const address of addresses) {
      const ping = this.#pings.get(address);
      if (ping !== undefined) kept.set(address, ping);
    }
    this.#pings = kept;
    return await Promise.all(addresses.map((address) => this.one(address)));
  }

  async #ping(address: string, before: Ping | undefined): Promise<PingScheme | undefined> {
    const hint = await before?.scheme;
    if (this.#underWay >= MAX_PINGS) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#underWay++;
    try {
      return await answersPing(address, TIMEOUT, { hint });
    } finally {
      this.#underWay--;
      this.#waiting.shift()?.();
    }
  }
}
