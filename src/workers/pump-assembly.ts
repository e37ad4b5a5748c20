/** Assembles a pump with its shard and journal, over the ends of any two channels. */
import type { MessageReader, MessageWriter } from "../channel/ends.js";
import type { Journal } from "../journal/journal.js";
import type { IdSource } from "../shard/messages/id-allocator.js";
import { Shard, type ShardLimits } from "../shard/shard.js";
import type { ChannelDefaults } from "../shard/topics/channel-defaults.js";
import type { TopicDefaults } from "../shard/topics/directory.js";
import type { DecoderLimits } from "./decoder-limits.js";
import { FrameEffects } from "./frame-effects.js";
import { HeldEffects } from "./held-effects.js";
import { Outbound } from "./outbound.js";
import { PublishGate } from "./publish-gate.js";
import { Pulse } from "./pulse.js";
import { Pump } from "./pump.js";
import { RequestIntake } from "./request-intake.js";
import type { Growth } from "./space-gauge.js";
import { Stoppages } from "./stoppages.js";

/**
 * Unread bytes of the outbox above which subscribers that are behind wait: enough for the main thread to have work for
 * the millisecond until they are looked at again, and little enough for answers to be behind them.
 */
const CROWDED_BYTES = 512 * 1024;

/** Of a file system of which nothing is known. */
const UNKNOWN = { bavail: 0, files: 0, ffree: 0 };

const NEVER = Number.POSITIVE_INFINITY;

export interface PumpOptions {
  readonly inbox: MessageReader;
  readonly outbox: MessageWriter;
  readonly ids: IdSource;
  /** The number of the broker, 1 to 1,024. */
  readonly node: number;
  /** The number of this shard, which is written in the head of each segment. */
  readonly shard: number;
  /** How many shards share `ids`. */
  readonly shards: number;
  readonly limits: ShardLimits & DecoderLimits;
  /** Of topics that nobody has configured. */
  readonly topicDefaults?: TopicDefaults;
  /** Of channels that nobody has configured. */
  readonly channelDefaults?: Partial<ChannelDefaults>;
  readonly memoryBytes: number;
  /** The broker's `Durability`. */
  readonly level: number;
  /** Bytes of a segment of the journal; undefined: there is no journal. */
  readonly segmentBytes?: number | undefined;
  /** Of the hashes of what clients choose: two words that they do not know. Default 0, 0. */
  readonly hashSecret?: readonly [number, number];
  /** Tells this life of the shard from others: see `StoreOptions`. */
  readonly life?: number;
  /** Milliseconds since 1970 that never step back. */
  readonly clock: () => number;
  /** Reads the journal back into the shard, which is empty, and returns the journal to continue with. */
  readonly openJournal: (shard: Shard) => Journal;
  /** Whether the file system has so little space left that publishes must wait. Default: never. */
  readonly isDiskFull?: (growth: Growth) => boolean;
  /** What stops the journal. Default: told apart by the error alone. */
  readonly stoppages?: Pick<Stoppages, "of">;
  /** Background work; returns when there is more to do, milliseconds since 1970. Default: none. */
  readonly chores?: (now: number) => number;
  /** An answer has arrived outside the inbox. */
  readonly onNotice?: () => void;
  /** The journal has stalled, or (undefined) works again. */
  readonly onStall?: (error: NodeJS.ErrnoException | undefined) => void;
  /** The journal, which works, has run out of room for publishes, or has room again. */
  readonly onRoom?: (hasRoom: boolean) => void;
  readonly pulse?: Pulse;
}

/** Throws what `openJournal` throws. */
export const assemblePump = (options: PumpOptions): Pump => {
  const { outbox, clock, pulse = new Pulse() } = options;
  const free = new Outbound(outbox, pulse);
  const held = new Outbound(outbox, pulse);
  const effects: HeldEffects<FrameEffects> = new HeldEffects(
    new FrameEffects(free),
    new FrameEffects(held),
    () => shard.store.isDurable,
    () => shard.store.areIdsDurable,
    () => shard.store,
  );
  const shard: Shard = new Shard({
    ...options,
    effects,
    now: clock(),
    isCrowded: () => outbox.unreadBytes > CROWDED_BYTES,
  });
  const journal = options.openJournal(shard);
  const intake = new RequestIntake({
    ...options,
    shard,
    effects,
    pulse,
    relieve: () => {
      if (!pump.mustFlush) return 0;
      const begin = clock();
      pump.flush();
      return clock() - begin;
    },
    refusalOf: (command) => pump.refusalOf(command),
    onNotice: options.onNotice ?? (() => {}),
    onStop: (now) => pump.stop(now),
  });
  const pump: Pump = new Pump({
    shard,
    journal,
    intake,
    answers: {
      free,
      held,
      finish: () => effects.finish(),
      assertFree: (synced) => effects.assertFree(synced),
      assertHeld: (synced) => effects.assertHeld(synced),
      released: () => effects.released(),
    },
    gate: new PublishGate({
      shard,
      journal,
      stoppages: options.stoppages ?? new Stoppages(() => UNKNOWN),
      isDiskFull: options.isDiskFull ?? (() => false),
      onRoom: options.onRoom ?? (() => {}),
    }),
    chores: options.chores ?? (() => NEVER),
    onStall: options.onStall ?? (() => {}),
    pulse,
  });
  return pump;
};
