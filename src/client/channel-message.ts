/**
 * Messages of channels.
 */
import { type Arrival, Content } from "./content.js";

export class ChannelMessage extends Content {
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
}
