/** The requests that wait until their connection can be sent long answers again, or for the next turn. */
import { ProtocolError } from "../../protocol/errors.js";
import type { Connections } from "./connections.js";
import type { ConnectionEntry, DeferrableCommand } from "./consumer.js";

/** Browses, searches and lookups under way at a time: whatever leaves a list must move the cursors in it. */
const MAX_WALKING = 64;

/**
 * Deferred requests of all connections: some tens of megabytes with their names. One connection has at most half of
 * them, as many as it may have requests in flight (MAX_IN_FLIGHT).
 */
export const MAX_DEFERRED = 131_072;

/** The cursor of a browse, a search or a lookup that is under way. */
export const cursorOf = (c: DeferrableCommand): { close(): void } | undefined => ("cursor" in c ? c.cursor : undefined);

const isWalking = (c: DeferrableCommand): boolean => cursorOf(c) !== undefined;

export class DeferredRequests {
  readonly #waiting = new Set<ConnectionEntry>();
  /** How many of them name a topic. */
  readonly #topics = new Map<string, number>();
  #count = 0;
  #walking = 0;

  constructor(
    readonly connections: Connections,
    readonly max: number,
  ) {}

  /** Connections with deferred requests: whoever was served last comes last. */
  get waiting(): Iterable<ConnectionEntry> {
    return this.#waiting;
  }

  /** Another one may be under way. */
  get canWalk(): boolean {
    return this.#walking < MAX_WALKING;
  }

  /** Copies the request. Throws BUSY when too many wait. */
  push(c: DeferrableCommand): void {
    if (this.#count >= this.max || (isWalking(c) && !this.canWalk)) {
      cursorOf(c)?.close();
      throw new ProtocolError("BUSY", `the shard has ${this.max} requests put off: read, then ask again`);
    }
    const connection = this.connections.use(c.connection);
    connection.deferred.push({ ...c });
    this.#waiting.add(connection);
    this.#count++;
    if (isWalking(c)) this.#walking++;
    if ("topic" in c) this.#topics.set(c.topic, (this.#topics.get(c.topic) ?? 0) + 1);
  }

  /** The first request of a connection has set out for its offset. */
  walks(): void {
    this.#walking++;
  }

  /** The first request of a connection has been answered. */
  shift(connection: ConnectionEntry): void {
    const c = connection.deferred.shift();
    if (c !== undefined) this.#forget(c);
  }

  /** A connection has had its turn. */
  served(connection: ConnectionEntry): void {
    this.#waiting.delete(connection);
    if (connection.deferred.length > 0) this.#waiting.add(connection);
    else this.connections.tidy(connection);
  }

  /** A connection is gone. */
  drop(connection: ConnectionEntry): void {
    for (const c of connection.deferred) this.#forget(c);
    connection.deferred.clear();
    this.#waiting.delete(connection);
  }

  /** Whether a deferred request names that topic. */
  isAbout(topic: string): boolean {
    return this.#topics.has(topic);
  }

  invariants(): void {
    let count = 0;
    for (const connection of this.#waiting) count += connection.deferred.length;
    if (count !== this.#count) throw new Error(`deferred requests: there are ${count}, not ${this.#count}`);
  }

  #forget(c: DeferrableCommand): void {
    this.#count--;
    const cursor = cursorOf(c);
    if (cursor !== undefined) {
      cursor.close();
      this.#walking--;
    }
    if (!("topic" in c)) return;
    const left = (this.#topics.get(c.topic) ?? 0) - 1;
    if (left > 0) this.#topics.set(c.topic, left);
    else this.#topics.delete(c.topic);
  }
}
