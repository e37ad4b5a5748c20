/** Puts a shard, its journal and the pump around them together, over any two ends of a channel. */
import type { MessageReader, MessageWriter } from "../channel/ends.js";
import type { Journal } from "../journal/journal.js";
import type { IdSource } from "../shard/messages/id-allocator.js";
import { Shard, type ShardLimits } from "../shard/shard.js";
import type { DecoderLimits } from "./decoder-limits.js";
import { FrameEffects } from "./frame-effects.js";
import { HeldEffects } from "./held-effects.js";
import { Outbound } from "./outbound.js";
import { PublishGate } from "./publish-gate.js";
import { Pulse } from "./pulse.js";
import { Pump } from "./pump.js";
import { RequestIntake } from "./request-intake.js";
import type { Growth } from "./space-gauge.js";

const NEVER = Number.POSITIVE_INFINITY;

export interface PumpOptions {
  readonly inbox: MessageReader;
  readonly outbox: MessageWriter;
  readonly ids: IdSource;
  /** Of the broker, 1 to 1,023. */
  readonly node: number;
  /** Which of them this one is: it stands in the head of each segment. */
  readonly shard: number;
  /** How many shards share `ids`. */
  readonly shards: number;
  readonly limits: ShardLimits & DecoderLimits;
  readonly memoryBytes: number;
  /** Of the broker, `Durability`. */
  readonly level: number;
  /** Bytes of a segment of the journal; undefined: there is none. */
  readonly segmentBytes?: number | undefined;
  /** Milliseconds since 1970 that never step back. */
  readonly clock: () => number;
  /** Reads the journal back into the shard, which is empty, and answers what goes on with it. */
  readonly openJournal: (shard: Shard) => Journal;
  /** Whether the file system has so little space left that publishes must wait. Default: never. */
  readonly isDiskFull?: (growth: Growth) => boolean;
  /** Background work; returns when there is more to do, milliseconds since 1970. Default: none. */
  readonly chores?: (now: number) => number;
  /** Something that was asked for outside of the inbox has come. */
  readonly onNotice?: () => void;
  /** The journal stands still, or goes on (undefined). */
  readonly onStall?: (error: NodeJS.ErrnoException | undefined) => void;
  /** The journal works and has no room for publishes, or has some again. */
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
  );
  const shard: Shard = new Shard({ ...options, effects, now: clock() });
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
    onNotice: options.onNotice ?? (() => {}),
    onStop: (now) => pump.stop(now),
  });
  const pump: Pump = new Pump({
    shard,
    journal,
    intake,
    answers: { free, held, finish: () => effects.finish(), released: () => effects.released() },
    gate: new PublishGate({
      shard,
      journal,
      isDiskFull: options.isDiskFull ?? (() => false),
      onRoom: options.onRoom ?? (() => {}),
    }),
    chores: options.chores ?? (() => NEVER),
    onStall: options.onStall ?? (() => {}),
    pulse,
  });
  return pump;
};
