/** Refuses publishes that must be kept while the journal or the disk has no room for them. */
import type { Journal } from "../journal/journal.js";
import type { Shard } from "../shard/shard.js";
import { RoomWatch } from "./room-watch.js";
import type { Growth } from "./space-gauge.js";
import type { Stoppages } from "./stoppages.js";

export interface PublishGateOptions {
  readonly shard: Shard;
  readonly journal: Journal;
  readonly stoppages: Pick<Stoppages, "of">;
  /** Whether the file system has so little space left that publishes must wait. */
  readonly isDiskFull: (growth: Growth) => boolean;
  /** The journal works and has no room for publishes, or has some again. */
  readonly onRoom: (hasRoom: boolean) => void;
}

export class PublishGate {
  readonly #shard: Shard;
  readonly #journal: Journal;
  readonly #stoppages: PublishGateOptions["stoppages"];
  readonly #isDiskFull: (growth: Growth) => boolean;
  readonly #room: RoomWatch;

  constructor({ shard, journal, stoppages, isDiskFull, onRoom }: PublishGateOptions) {
    this.#shard = shard;
    this.#journal = journal;
    this.#stoppages = stoppages;
    this.#isDiskFull = isDiskFull;
    this.#room = new RoomWatch(onRoom);
  }

  /** When to call `look` again at the latest: milliseconds since 1970. */
  get due(): number {
    return this.#room.due;
  }

  /** Decides whether publishes are accepted until the next look. */
  look(now: number): void {
    const { log } = this.#shard.store;
    const hasRoom = !log.isJournalled || this.#journal.roomForPublishes(log);
    this.#room.look(this.#journal.state.kind === "working" ? hasRoom : undefined, now);
    const isDiskFull = log.isJournalled && this.#isDiskFull(log);
    const hindrance = hasRoom ? undefined : this.#journal.hindrance;
    this.#shard.refusal = isDiskFull || !hasRoom ? this.#stoppages.of(hindrance) : undefined;
  }
}
