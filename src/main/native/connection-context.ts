/** What all connections share: the way to the shards, and the budgets that bound them together. */
import type { Access } from "../access/access.js";
import type { BackupRefusal, BackupSummary } from "../data/backup.js";
import type { BrokerOptions } from "../options.js";
import type { Router } from "../shards/router.js";
import type { ShardLink } from "../shards/shard-link.js";
import type { LossKind } from "../shards/shard-loss.js";
import type { AssemblyMemory } from "./assembly.js";
import type { BrokerWatch } from "./broker-watch.js";
import type { CallDesk } from "./call-desk.js";
import type { ConnectionDirectory } from "./connection-info.js";
import type { OutputPool } from "./output-pool.js";
import type { UnsentBudget } from "./unsent-budget.js";
import type { WaitingInput } from "./waiting-input.js";

/** A connection for code that needs no more than its number. */
export interface ConnectionId {
  readonly id: number;
}

export interface ConnectionContext {
  readonly options: Pick<
    BrokerOptions,
    "maxFrameBytes" | "maxMessageBytes" | "maxNameBytes" | "maxInFlight" | "maxOutgoingBytes" | "ringBytes" | "log"
  >;
  readonly router: Router;
  /** By shard; undefined: the shard is down for good. */
  readonly links: readonly (ShardLink | undefined)[];
  /** Of a shard that is down: why. */
  readonly down: readonly (LossKind | undefined)[];
  readonly assembly: AssemblyMemory;
  readonly pool: OutputPool;
  readonly unsent: UnsentBudget;
  readonly waiting: WaitingInput;
  readonly calls: CallDesk;
  readonly access: Access;
  /** All of them. */
  readonly connections: ConnectionDirectory;
  /** The broker stops, and shards go one after another. */
  readonly isClosing: boolean;
  /** The head of the broker's HELLO. */
  readonly hello: Uint8Array;
  /** Milliseconds since 1970. */
  now(): number;
  /** The connection has said HELLO. */
  saidHello(connection: ConnectionId): void;
  /** Backs the broker up into a new directory, or says why not; rejects with a `ProtocolError`. */
  backup(client: { readonly isTcp: boolean }, directory: string | undefined): Promise<BackupSummary> | BackupRefusal;
  /**
   * What is known of a message. Resolves with what HISTORY answers, rejects with a `ProtocolError`. Undefined: there are no files to
   * look into.
   */
  readonly history: ((topic: string, idHigh: number, idLow: number) => Promise<unknown>) | undefined;
  /** Undefined: nobody takes samples. */
  readonly watch: BrokerWatch | undefined;
  /** The connection's transport has closed. `isAwaited`: shards may still send something that must be looked at. */
  closed(connection: ConnectionId, isAwaited: boolean): void;
}
