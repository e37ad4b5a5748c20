/** The native connections there are, by the number under which shards know them. */
import type { NativeConnection } from "./connection.js";

export class ConnectionTable {
  readonly #byId = new Map<number, NativeConnection>();
  readonly #clients = new Set<NativeConnection>();
  /** Those that have not said HELLO, oldest first, and until when they may. */
  readonly #strangers = new Map<NativeConnection, number>();
  /** The number of the last. None is ever used again: an answer that comes late finds nobody. */
  #last = 0;

  constructor(
    readonly maxConnections: number,
    readonly helloTimeout: number,
  ) {}

  /** Connections of clients. */
  get size(): number {
    return this.#clients.size;
  }

  get(id: number): NativeConnection | undefined {
    return this.#byId.get(id);
  }

  /** Connections of clients, as they are now. */
  values(): NativeConnection[] {
    return [...this.#clients];
  }

  nextId(): number {
    this.#last++;
    return this.#last;
  }

  /** `now` is in milliseconds, of any clock that does not step. */
  add(connection: NativeConnection, now: number): void {
    this.#byId.set(connection.id, connection);
    this.#clients.add(connection);
    this.#strangers.set(connection, now + this.helloTimeout);
  }

  /** One that the broker has for itself: it is found, and otherwise does not count. */
  addOwn(connection: NativeConnection): void {
    this.#byId.set(connection.id, connection);
  }

  greeted(connection: NativeConnection): void {
    this.#strangers.delete(connection);
  }

  remove(connection: NativeConnection): void {
    this.#byId.delete(connection.id);
    this.#clients.delete(connection);
    this.#strangers.delete(connection);
  }

  /** Closes those that have been silent for too long. */
  expire(now: number): void {
    for (const [connection, deadline] of this.#strangers) {
      if (deadline > now) return;
      this.#strangers.delete(connection);
      connection.fail("HANDSHAKE_REQUIRED", `no HELLO came within ${this.helloTimeout} ms`, 0);
    }
  }
}
