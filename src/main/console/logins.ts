/**
 * Who is logged in: what a token stood for, by a random number that the browser keeps. In memory alone: a broker that starts
 * again knows nobody. Time is an argument, in milliseconds of a clock that does not step.
 */
import { randomBytes } from "node:crypto";
import { digestOf } from "../access/token-hash.js";
import { shareOf } from "../ports/address-shares.js";

/**
 * Of all, and of one owner. Past it the one that has not been used for longest ends: of that owner; of all, among those of the
 * address with the most, so that nobody ends those of others by many of his own.
 */
const MAX_LOGINS = 1_024;
const MAX_OF_OWNER = 64;

/** A login ends after this long, used or not. */
const MAX_AGE = 12 * 60 * 60 * 1_000;

const ID_BYTES = 32;

/** What a login is about. */
export interface LoginKinds<Who> {
  /** Logins of the same owner are counted together. */
  ownerOf(who: Who): unknown;
  /** It may no longer be here: what was shown for it is no longer good. */
  isOver(who: Who): boolean;
  /** It is logged in no more. */
  ended(who: Who): void;
}

interface Entry<Who> {
  readonly key: string;
  readonly who: Who;
  /** `shareOf` the address that it was begun from. */
  readonly share: string;
  readonly since: number;
}

export class Logins<Who> {
  readonly #kinds: LoginKinds<Who>;
  /** By the hash of the number; the last used is the last. */
  readonly #entries = new Map<string, Entry<Who>>();

  constructor(kinds: LoginKinds<Who>) {
    this.#kinds = kinds;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Begins a login from an address; answers the number by which `find` knows it. */
  open(who: Who, address: string, now: number): string {
    const share = shareOf(address);
    this.#makeRoom(who, share);
    const id = randomBytes(ID_BYTES).toString("base64url");
    const key = keyOf(id);
    this.#entries.set(key, { key, who, share, since: now });
    return id;
  }

  /** Who that is, and counts it as used; undefined: nobody, or no longer. */
  find(id: string | undefined, now: number): Who | undefined {
    const entry = id === undefined ? undefined : this.#entries.get(keyOf(id));
    if (entry === undefined || this.#expire(entry, now)) return undefined;
    this.#entries.delete(entry.key);
    this.#entries.set(entry.key, entry);
    return entry.who;
  }

  end(id: string | undefined): void {
    const entry = id === undefined ? undefined : this.#entries.get(keyOf(id));
    if (entry !== undefined) this.#end(entry);
  }

  /** About once a second: ends those whose time is over. */
  sweep(now: number): void {
    for (const entry of this.#entries.values()) this.#expire(entry, now);
  }

  #expire(entry: Entry<Who>, now: number): boolean {
    const isOver = now - entry.since >= MAX_AGE || this.#kinds.isOver(entry.who);
    if (isOver) this.#end(entry);
    return isOver;
  }

  #makeRoom(who: Who, share: string): void {
    const owner = this.#kinds.ownerOf(who);
    const own = [...this.#entries.values()].filter((entry) => this.#kinds.ownerOf(entry.who) === owner);
    const oldest =
      own.length >= MAX_OF_OWNER ? own[0] : this.#entries.size >= MAX_LOGINS ? this.#displaced(share) : undefined;
    if (oldest !== undefined) this.#end(oldest);
  }

  /** Who makes room for one more of an address: its own, if it has the most with that. */
  #displaced(share: string): Entry<Who> | undefined {
    const counts = new Map<string, number>();
    for (const entry of this.#entries.values()) counts.set(entry.share, (counts.get(entry.share) ?? 0) + 1);
    const most = Math.max(...counts.values());
    const isOwn = (counts.get(share) ?? 0) + 1 > most;
    for (const entry of this.#entries.values())
      if (isOwn ? entry.share === share : counts.get(entry.share) === most) return entry;
    return undefined;
  }

  #end(entry: Entry<Who>): void {
    this.#entries.delete(entry.key);
    this.#kinds.ended(entry.who);
  }
}

/**
 * The number itself is kept nowhere. How long it takes to find a hash may tell how it begins; nobody can make up a number whose
 * hash begins so and goes on as that of another.
 */
const keyOf = (id: string): string => digestOf(id).toString("base64");
