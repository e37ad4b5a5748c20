/** The native connections there are, by the number under which shards know them. */
import type { NativeConnection } from "./connection.js";
import type { ConnectionId } from "./connection-context.js";
import type { ConnectionDirectory, ConnectionInfo, ConnectionPage } from "./connection-info.js";
import type { Bytes } from "./traffic.js";

export class ConnectionTable implements ConnectionDirectory {
  readonly #byId = new Map<number, NativeConnection>();
  /** Those that count towards `maxConnections`. */
  readonly #counted = new Set<number>();
  /** Those that have not said HELLO, oldest first, and until when they may. */
  readonly #unidentified = new Map<number, number>();
  /** What connections that are gone have received and sent, by protocol. */
  readonly #past = new Map<string, { received: number; sent: number }>();
  /** The last number given out. Numbers are never reused, so a late answer cannot reach another connection. */
  #last = 0;

  constructor(
    readonly maxConnections: number,
    readonly helloTimeout: number,
  ) {}

  /** Connections that count. Sessions of plain HTTP do not: their sockets are counted instead. */
  get size(): number {
    return this.#counted.size;
  }

  /** All connections: also sessions of plain HTTP, and closed ones for which an answer is still awaited. */
  get all(): number {
    return this.#byId.size;
  }

  get(id: number): NativeConnection | undefined {
    return this.#byId.get(id);
  }

  /** All connections, as they are now. */
  values(): NativeConnection[] {
    return [...this.#byId.values()];
  }

  /** How many there are of each protocol. */
  get byProtocol(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { protocol } of this.#byId.values()) counts.set(protocol, (counts.get(protocol) ?? 0) + 1);
    return counts;
  }

  /** Bytes of frames that connections of each protocol have received and sent, those that are gone among them. */
  get traffic(): ReadonlyMap<string, Bytes> {
    const sums = new Map([...this.#past].map(([protocol, bytes]) => [protocol, { ...bytes }]));
    for (const { protocol, traffic } of this.#byId.values()) addTo(sums, protocol, traffic);
    return sums;
  }

  page(after: number, max: number): ConnectionPage {
    const connections: ConnectionInfo[] = [];
    // Numbers only grow, and a Map keeps the order in which they came.
    for (const connection of this.#byId.values()) {
      if (connection.id <= after || !isClients(connection)) continue;
      if (connections.length === max) return { connections, more: true };
      connections.push(connection.info);
    }
    return { connections, more: false };
  }

  find(id: number): NativeConnection | undefined {
    const connection = this.#byId.get(id);
    return connection !== undefined && isClients(connection) ? connection : undefined;
  }

  nextId(): number {
    this.#last++;
    return this.#last;
  }

  /** A client of the native protocol. `now` is in milliseconds, of any clock that does not step. */
  add(connection: NativeConnection, now: number): void {
    this.#byId.set(connection.id, connection);
    this.#counted.add(connection.id);
    this.#unidentified.set(connection.id, now + this.helloTimeout);
  }

  /** The connection of a session. `isCounted`: false when its socket is counted elsewhere. */
  addSession(connection: NativeConnection, isCounted: boolean): void {
    this.#byId.set(connection.id, connection);
    if (isCounted) this.#counted.add(connection.id);
  }

  saidHello({ id }: ConnectionId): void {
    this.#unidentified.delete(id);
  }

  /** A connection has closed. `isAwaited`: keep it findable, since shards may still send something. */
  remove({ id }: ConnectionId, isAwaited = false): void {
    this.#counted.delete(id);
    this.#unidentified.delete(id);
    const connection = this.#byId.get(id);
    if (isAwaited || connection === undefined) return;
    this.#byId.delete(id);
    addTo(this.#past, connection.protocol, connection.traffic);
  }

  /** Closes those that have not said HELLO in time. */
  expire(now: number): void {
    for (const [id, deadline] of this.#unidentified) {
      if (deadline > now) return;
      this.#unidentified.delete(id);
      this.#byId.get(id)?.fail("HANDSHAKE_REQUIRED", `no HELLO came within ${this.helloTimeout} ms`, 0);
    }
  }
}

const addTo = (sums: Map<string, { received: number; sent: number }>, protocol: string, bytes: Bytes): void => {
  const sum = sums.get(protocol);
  if (sum === undefined) sums.set(protocol, { received: bytes.received, sent: bytes.sent });
  else {
    sum.received += bytes.received;
    sum.sent += bytes.sent;
  }
};

/** Those of the broker itself are shown to nobody, and closed by nobody. */
const isClients = ({ isOpen, isTrusted }: NativeConnection): boolean => isOpen && !isTrusted;
