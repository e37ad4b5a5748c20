/** What the writer of files needs of a broker. */

export interface KeptChannel {
  readonly name: string;
  /** What positions count in. */
  readonly epoch: string;
  /** The positions of the oldest message that is kept, and of the next one that will be published. */
  readonly first: number;
  readonly next: number;
}

export interface KeptMessage {
  readonly id: string;
  readonly position: number;
  readonly body: Uint8Array;
}

/** Where reading begins: at a position, at the first message of this time or later, at the oldest there is. */
export type Beginning = { readonly position: number; readonly epoch: string } | Date | "start";

export interface ChannelSource {
  /** All channels that are kept. */
  channels(): AsyncIterable<KeptChannel>;
  /**
   * The messages of a channel, in order, until the reader leaves, or until none has come for a while: the channel may have
   * let go of those that were there.
   */
  read(channel: string, from: Beginning): AsyncIterable<KeptMessage>;
}
