/** Refuses publishes that must be kept while the journal or the disk has no room for them. */
import { isOutOfDescriptors } from "../journal/disk-fault.js";
import type { Journal } from "../journal/journal.js";
import type { Shard } from "../shard/shard.js";
import type { Refusal } from "../shard/topics/publisher.js";
import { RoomWatch } from "./room-watch.js";
import type { Growth } from "./space-gauge.js";

const DISK_FULL: Refusal = {
  kind: "DISK_FULL",
  text: "the disk is full: free some space, or acknowledge messages, and publish again",
};

const OUT_OF_DESCRIPTORS: Refusal = {
  kind: "OUT_OF_DESCRIPTORS",
  text: "the broker can open no file now: close connections, or raise its limit of open files, and publish again",
};

export interface PublishGateOptions {
  readonly shard: Shard;
  readonly journal: Journal;
  /** Whether the file system has so little space left that publishes must wait. */
  readonly isDiskFull: (growth: Growth) => boolean;
  /** The journal works and has no room for publishes, or has some again. */
  readonly onRoom: (hasRoom: boolean) => void;
}

export class PublishGate {
  readonly #shard: Shard;
  readonly #journal: Journal;
  readonly #isDiskFull: (growth: Growth) => boolean;
  readonly #room: RoomWatch;

  constructor({ shard, journal, isDiskFull, onRoom }: PublishGateOptions) {
    this.#shard = shard;
    this.#journal = journal;
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
    this.#shard.refusal = isDiskFull || !hasRoom ? this.#refusal : undefined;
  }

  get #refusal(): Refusal {
    const { state } = this.#journal;
    return state.kind === "stalled" && isOutOfDescriptors(state.error) ? OUT_OF_DESCRIPTORS : DISK_FULL;
  }
}
