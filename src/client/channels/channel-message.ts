/**
 * A message of a channel.
 */

import { INSPECT, type Inspect, inspected, plainHeaders, shownBody } from "../base/inspection.js";
import { type Arrival, MessageContent } from "../messages/content.js";

export class ChannelMessage extends MessageContent {
  constructor(
    /** The channel that it was published to. */
    readonly channel: string,
    protected readonly arrival: Arrival,
    at: number,
    /** How many messages were lost right before this one, because the subscription had fallen behind. */
    readonly lost: number,
  ) {
    super(at);
  }

  /** The body is in it as text. */
  toJSON(): object {
    const { channel, lost } = this;
    return { channel, lost, headers: plainHeaders(() => this.headers), body: this.text() };
  }

  [INSPECT](_depth: number, options: unknown, inspect: Inspect): string {
    const { channel, lost } = this;
    const content = { headers: plainHeaders(() => this.headers), body: shownBody(this.body) };
    return inspected("ChannelMessage", { channel, lost, ...content }, options, inspect);
  }
}
