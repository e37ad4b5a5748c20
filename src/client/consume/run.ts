/**
 * Runs of consecutive messages, as they came in a frame.
 */
import type { ReceivedRun } from "../../protocol/run.js";
import { readText } from "../../protocol/text.js";
import type { Arrival } from "../messages/content.js";
import { type Failure, failuresIn } from "../messages/failure.js";
import type { LeaseClock } from "./lease-clock.js";
import type { Settler } from "./settler.js";

const NONE: readonly Failure[] = [];

/** Consecutive messages that share everything but id, headers and body. */
export class Run implements Arrival {
  #routeKey: string | undefined;
  #failures: readonly Failure[] | undefined;

  constructor(
    readonly bytes: Uint8Array,
    readonly view: DataView,
    readonly fields: ReceivedRun,
  ) {}

  get routeKey(): string {
    const { keyStart, keyEnd } = this.fields;
    this.#routeKey ??= readText(this.bytes, keyStart, keyEnd);
    return this.#routeKey;
  }

  get failures(): readonly Failure[] {
    const { failuresStart, start } = this.fields;
    if (failuresStart === start) return NONE;
    this.#failures ??= failuresIn(this.bytes, this.view, failuresStart, start);
    return this.#failures;
  }
}

/** What holds for all messages of a consumer. */
export interface DeliveryTerms {
  /** Its topic acks by itself: the broker takes a message for acked when the program has been handed it. */
  readonly autoAck: boolean;
  /** By it their leases end; undefined until the broker has told its time. */
  readonly leases?: LeaseClock | undefined;
}

/** A run that was delivered, and the settler of its queue. */
export class DeliveredRun extends Run {
  /** How many of its messages the program has acked or nacked one by one. */
  settled = 0;

  constructor(
    bytes: Uint8Array,
    view: DataView,
    fields: ReceivedRun,
    readonly settler: Settler,
    readonly terms?: DeliveryTerms,
  ) {
    super(bytes, view, fields);
  }

  /** The topic acks by itself: the program has nothing to settle. */
  get isAcked(): boolean {
    return this.fields.delivery === 0 || this.terms?.autoAck === true;
  }

  /** The same with another end of its lease. */
  renewed(time: number): DeliveredRun {
    return new DeliveredRun(this.bytes, this.view, { ...this.fields, time }, this.settler, this.terms);
  }
}
