/**
 * What a program that has a broker inside can be told while it runs.
 */
import { EventEmitter } from "node:events";
import type { CloseError } from "./close-error.js";
import type { LossKind } from "./shards/shard-loss.js";

/** The events of a broker, and what their listeners are called with. */
export interface BrokerEvents {
  /**
   * The thread of a shard has ended. `SHARD_RESTARTED`: another one reads the journal, and `shard-back` follows. `SHARD_DOWN` and
   * `JOURNAL_FAILED`: its topics are not served until the broker is started again.
   */
  readonly "shard-lost": [{ readonly shard: number; readonly reason: LossKind }];
  /** A shard that was lost takes requests again. `messages`: how many it has; undefined where nothing is on disk. */
  readonly "shard-back": [{ readonly shard: number; readonly messages: number | undefined }];
  /** Publishes are refused (DISK_FULL): there is less free space than `diskReserve`. */
  readonly "disk-full": [{ readonly freeBytes: number }];
  /** There is space again, and publishes are taken. */
  readonly "disk-free": [{ readonly freeBytes: number }];
  /** It has stopped, and all is released; with what `close` rejects with. */
  readonly closed: [CloseError | undefined];
}

/** Tells listeners. Each is called on its own: what one throws is an uncaught exception, and does the broker no harm. */
export class Announcer extends EventEmitter<BrokerEvents> {
  announce<E extends keyof BrokerEvents>(event: E, ...told: BrokerEvents[E]): void {
    if (this.listenerCount(event) > 0) queueMicrotask(() => this.emit(event as never, ...(told as never)));
  }
}
