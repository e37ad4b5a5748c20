/**
 * A message of a channel.
 */
import { formatId, idTime } from "../../protocol/id.js";
import { INSPECT, type Inspect, inspected } from "../base/inspection.js";
import { plainHeaders, shownBody } from "../base/plain-content.js";
import { type Arrival, MessageContent } from "../messages/content.js";

/** Messages that came together: with consecutive positions and, on a kept channel, consecutive ids. */
export interface ChannelArrival extends Arrival {
  readonly channel: string;
  /** Undefined when the broker has not told it. */
  readonly epoch: string | undefined;
  /** Of the first one. */
  readonly position: number;
  /** The id of the first one; 0 and 0 when they have none. */
  readonly idHigh: number;
  readonly idLow: number;
}

export class ChannelMessage extends MessageContent {
  readonly #index: number;

  constructor(
    protected readonly arrival: ChannelArrival,
    /** Its place among those that came with it. */
    index: number,
    at: number,
    /** How many messages are known to be lost right before this one. */
    readonly lost: number,
  ) {
    super(at);
    this.#index = index;
  }

  /** The channel that it was published to. */
  get channel(): string {
    return this.arrival.channel;
  }

  /** Its number within the channel: 0, 1, 2, … of its epoch. */
  get position(): number {
    return this.arrival.position + this.#index;
  }

  /**
   * What positions count in. Messages of another epoch than the one before are of a channel that has begun again: what was
   * published in between is unknown. Undefined for a subscription without `from`, `recover` and `credit`.
   */
  get epoch(): string | undefined {
    return this.arrival.epoch;
  }

  /** The id, in decimal, of a message of a kept channel. */
  get id(): string | undefined {
    const { idHigh, idLow } = this.arrival;
    return idHigh === 0 && idLow === 0 ? undefined : formatId(idHigh, idLow + this.#index);
  }

  /** When a message of a kept channel was published. Milliseconds since 1970. */
  get time(): number | undefined {
    const { idHigh, idLow } = this.arrival;
    return idHigh === 0 && idLow === 0 ? undefined : idTime(idHigh, idLow);
  }

  /** The body is in it as text. */
  toJSON(): object {
    return { ...this.#properties(), headers: plainHeaders(() => this.headers), body: this.text() };
  }

  [INSPECT](_depth: number, options: unknown, inspect: Inspect): string {
    const content = { headers: plainHeaders(() => this.headers), body: shownBody(this.body) };
    return inspected("ChannelMessage", { ...this.#properties(), ...content }, options, inspect);
  }

  #properties(): object {
    const { channel, position, epoch, id, time, lost } = this;
    return { channel, position, ...(epoch !== undefined && { epoch }), ...(id !== undefined && { id, time }), lost };
  }
}
