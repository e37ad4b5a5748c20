/** A lane of the bridge to another thread, as a native connection of the broker. */
import type { Lane, LaneOwner } from "../../../bridge/bridge.js";
import type { Log } from "../../log.js";
import type { NativeConnection } from "../../native/connection.js";
import type { ConnectionKind } from "../../native/connection-kind.js";
import { contain, guard } from "../../native/error-boundary.js";
import type { ConnectionHost } from "../connection-host.js";
import { LaneTransport } from "./lane-transport.js";

const ignore = (): void => {};

/** Who a lane is for: see `Transport`. */
export type LanePeer = Pick<LaneTransport, "protocol" | "address">;

/** What a connection of a lane is. */
type LaneKind = Pick<ConnectionKind, "origin" | "isTrusted">;

/** Opens a connection for a lane. `onClosed` is called once, when it has closed. */
export const openLane = (
  host: ConnectionHost,
  lane: Lane,
  peer: LanePeer,
  kind: LaneKind,
  log: Log,
  onClosed = ignore,
): void => void new LaneConnection(host, lane, peer, kind, log, onClosed);

class LaneConnection implements LaneOwner {
  readonly #lane: Lane;
  readonly #transport: LaneTransport;
  readonly #connection: NativeConnection;
  readonly #log: Log;
  #onClosed: () => void;

  constructor(
    host: ConnectionHost,
    lane: Lane,
    { protocol, address }: LanePeer,
    kind: LaneKind,
    log: Log,
    onClosed: () => void,
  ) {
    this.#lane = lane;
    this.#log = log;
    this.#onClosed = onClosed;
    this.#transport = new LaneTransport(lane, protocol, address);
    this.#connection = host.open(this.#transport, kind);
    lane.owner = this;
    this.#transport.onDestroyed = () => this.#closed();
    this.#transport.onResumed = (bytes) => this.#receive(bytes);
  }

  received(bytes: Uint8Array): void {
    if (this.#transport.admits(bytes)) this.#receive(bytes);
  }

  progressed(): void {
    try {
      this.#connection.drained();
    } catch (error) {
      this.#failed(error);
    }
  }

  ended(): void {
    this.#closed();
  }

  #receive(bytes: Uint8Array): void {
    try {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      this.#connection.receive(bytes, view, 0, bytes.length);
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#lane.done(bytes.length);
    }
  }

  #closed(): void {
    this.#onClosed();
    this.#onClosed = ignore;
    guard(this.#log, `the connection of ${this.#connection.peer}`, () => this.#connection.closed(), ignore);
  }

  #failed(error: unknown): void {
    contain(this.#log, `the connection of ${this.#connection.peer}`, error, () => this.#connection.destroy());
  }
}
