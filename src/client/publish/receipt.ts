/**
 * What a publish resolves with. Ids become text only when a program asks for them.
 */
import { formatId } from "../../protocol/id.js";
import { DUPLICATE, Durability } from "../../protocol/op.js";
import { INSPECT, type Inspect, inspected } from "../base/inspection.js";

/** How durable a confirmed message is: it lives as long as the broker process, survives that, or is on disk. */
export type DurabilityName = keyof typeof Durability;

const NAMES = Object.entries(Durability) as readonly (readonly [DurabilityName, number])[];

/** The name of the level in CONFIRM's flags. An unknown level of a newer broker counts as the lowest. */
export const durabilityName = (flags: number): DurabilityName =>
  NAMES.find(([, n]) => n === (flags & ~DUPLICATE))?.[0] ?? "memory";

/** A message that the broker has taken. */
export class Receipt {
  constructor(
    private readonly high: number,
    /** As a signed 32-bit number, which V8 holds without an allocation. */
    private readonly low: number,
    private readonly flags: number,
  ) {}

  /** The id of the message, in decimal. */
  get id(): string {
    return formatId(this.high, this.low >>> 0);
  }

  /** What the message survives. */
  get durability(): DurabilityName {
    return durabilityName(this.flags);
  }

  /** The broker had taken the message before, and not again: its first answer was lost, or its key is that of this message. */
  get duplicate(): boolean {
    return (this.flags & DUPLICATE) !== 0;
  }

  toJSON(): { readonly id: string; readonly durability: DurabilityName; readonly duplicate?: true } {
    const { id, durability, duplicate } = this;
    return duplicate ? { id, durability, duplicate } : { id, durability };
  }

  [INSPECT](_depth: number, options: unknown, inspect: Inspect): string {
    return inspected("Receipt", this.toJSON(), options, inspect);
  }
}

/** Consecutive ids. */
export interface IdRange {
  readonly high: number;
  readonly low: number;
  readonly count: number;
  readonly isDuplicate: boolean;
}

/** Messages that the broker has taken together. */
export class BatchReceipt {
  constructor(
    private readonly ranges: readonly IdRange[],
    private readonly level: number,
  ) {}

  /** How many messages there are. */
  get count(): number {
    return this.ranges.reduce((sum, { count }) => sum + count, 0);
  }

  /** The ids of the messages, in decimal, in the order in which they were given. Made anew each time. */
  get ids(): string[] {
    return this.ranges.flatMap(({ high, low, count }) =>
      Array.from({ length: count }, (_, i) => formatId(high, low + i)),
    );
  }

  /** The places of those that the broker had taken before, and not again: see `Receipt.duplicate`. Made anew each time. */
  get duplicates(): number[] {
    let at = 0;
    return this.ranges.flatMap(({ count, isDuplicate }) => {
      const first = at;
      at += count;
      return isDuplicate ? Array.from({ length: count }, (_, i) => first + i) : [];
    });
  }

  /** What all of the messages survive. */
  get durability(): DurabilityName {
    return durabilityName(this.level);
  }

  toJSON(): { readonly ids: readonly string[]; readonly durability: DurabilityName } {
    return { ids: this.ids, durability: this.durability };
  }

  [INSPECT](_depth: number, options: unknown, inspect: Inspect): string {
    const { count, ids, durability } = this;
    return inspected("BatchReceipt", { count, ids, durability }, options, inspect);
  }
}

/** What became of a message on a channel. */
export interface ChannelReceipt {
  /** Who was subscribed at that moment. */
  readonly subscribers: number;
  /** The id of the message, in decimal, where the channel is kept. */
  readonly id?: string;
  /** What the message survives, where the channel is kept. */
  readonly durability?: DurabilityName;
}
