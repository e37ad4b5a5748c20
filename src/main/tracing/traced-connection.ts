/** A connection of a broker that makes spans. One that makes none has no part in this. */

import { NativeConnection } from "../native/connection.js";
import type { ConnectionContext } from "../native/connection-context.js";
import type { ConnectionKind } from "../native/connection-kind.js";
import type { UnheardPop } from "../native/late-pops.js";
import type { Transport } from "../native/transport.js";
import { LOSS_TEXTS, type LossKind } from "../shards/shard-loss.js";
import { ConnectionTrace } from "./connection-trace.js";
import type { Tracing } from "./tracing.js";

export type ConnectionMaker = (
  id: number,
  transport: Transport,
  context: ConnectionContext,
  kind?: ConnectionKind,
) => NativeConnection;

/** Makes the connections of a broker. `tracing` undefined: it makes no spans. */
export const connectionMaker = (tracing: Tracing | undefined): ConnectionMaker =>
  tracing === undefined
    ? (...parts) => new NativeConnection(...parts)
    : (...parts) => new TracedConnection(tracing, ...parts);

class TracedConnection extends NativeConnection {
  readonly #trace: ConnectionTrace;
  readonly #links: ConnectionContext["links"];

  constructor(tracing: Tracing, id: number, transport: Transport, context: ConnectionContext, kind?: ConnectionKind) {
    super(id, transport, context, kind);
    this.#trace = new ConnectionTrace(tracing, this.peer);
    this.#links = context.links;
  }

  override forward(shard: number, bytes: Uint8Array, view: DataView, start: number, end: number): void {
    // What no shard gets is refused at once.
    if (this.isOpen && this.#links[shard] !== undefined) this.#trace.sent(shard, bytes, view, start, end);
    super.forward(shard, bytes, view, start, end);
  }

  override deliver(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    if (this.isOpen) this.#trace.answered(bytes, view, start, end);
    super.deliver(bytes, view, start, end);
  }

  override shardLost(shard: number, kind: LossKind): void {
    this.#trace.shardLost(shard, { type: kind, text: LOSS_TEXTS[kind] });
    super.shardLost(shard, kind);
  }

  override closed(unheard?: readonly UnheardPop[]): void {
    this.#trace.closed();
    super.closed(unheard);
  }
}
