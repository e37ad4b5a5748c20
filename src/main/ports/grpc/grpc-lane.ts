/** A lane of the bridge to the gRPC thread, as a native connection of the broker. */
import type { Lane, LaneOwner } from "../../../bridge/bridge.js";
import type { LaneOpening } from "../../../grpc/thread/thread-messages.js";
import type { Log } from "../../log.js";
import type { NativeConnection } from "../../native/connection.js";
import { contain, guard } from "../../native/error-boundary.js";
import { errorFrame } from "../../native/local-answers.js";
import { shareOf } from "../address-shares.js";
import type { ConnectionHost } from "../connection-host.js";
import { LaneTransport } from "./lane-transport.js";

const ignore = (): void => {};

/** Opens a connection for a lane, or says on it why there is none. A stream counts among the connections of its client. */
export const acceptLane = (host: ConnectionHost, lane: Lane, opening: LaneOpening, log: Log): void => {
  if (opening.kind === "publisher") return void new GrpcLane(host, lane, "grpc publishes", undefined, log);
  const share = shareOf(opening.address);
  const { isFull, shares } = host;
  if (isFull) return refuse(lane, "the broker has its maximum of connections");
  if (!shares.admit(share)) return refuse(lane, `an address has at most ${shares.maxPerAddress} connections`);
  new GrpcLane(host, lane, `grpc ${opening.address}`, share, log);
};

const refuse = (lane: Lane, text: string): void => {
  lane.send(errorFrame("TOO_MANY_CONNECTIONS", text, 0));
  lane.end();
};

class GrpcLane implements LaneOwner {
  readonly #host: ConnectionHost;
  readonly #lane: Lane;
  readonly #transport: LaneTransport;
  readonly #connection: NativeConnection;
  /** Undefined: it has none. */
  #share: string | undefined;
  readonly #log: Log;

  constructor(host: ConnectionHost, lane: Lane, peer: string, share: string | undefined, log: Log) {
    this.#host = host;
    this.#lane = lane;
    this.#share = share;
    this.#log = log;
    this.#transport = new LaneTransport(lane, peer);
    this.#connection = host.open(this.#transport);
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
    if (this.#share !== undefined) this.#host.shares.release(this.#share);
    this.#share = undefined;
    guard(this.#log, `the connection of ${this.#connection.peer}`, () => this.#connection.closed(), ignore);
  }

  #failed(error: unknown): void {
    contain(this.#log, `the connection of ${this.#connection.peer}`, error, () => this.#connection.destroy());
  }
}
