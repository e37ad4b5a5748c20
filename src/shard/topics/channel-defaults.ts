/** What channels have that nobody has configured. */
import { DEFAULT_HISTORY, DEFAULT_HISTORY_BYTES, DEFAULT_HISTORY_IDLE } from "../../protocol/limits.js";

export interface ChannelDefaults {
  /** Channels are kept. */
  readonly keep: boolean;
  /** Kept messages and bytes of them; 0: no limit. */
  readonly maxMessages: number;
  readonly maxBytes: number;
  /** Milliseconds that a message is kept; 0: no limit. */
  readonly maxAge: number;
  /** Messages and bytes of a history that a subscriber has asked for. */
  readonly history: number;
  readonly historyBytes: number;
  /** Milliseconds that it stays after the last subscriber has gone. */
  readonly historyIdle: number;
}

export const CHANNEL_DEFAULTS: ChannelDefaults = {
  keep: false,
  maxMessages: 0,
  maxBytes: 0,
  maxAge: 0,
  history: DEFAULT_HISTORY,
  historyBytes: DEFAULT_HISTORY_BYTES,
  historyIdle: DEFAULT_HISTORY_IDLE,
};
