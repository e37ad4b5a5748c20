/** The limits that a shard's decoders enforce. */
import { countEntries, EntriesFault } from "../protocol/entry.js";
import { ProtocolError } from "../protocol/errors.js";

export interface DecoderLimits {
  readonly maxFrameBytes: number;
  readonly maxMessageBytes: number;
  readonly maxBatchMessages: number;
  readonly maxNameBytes: number;
}

/** How many entries the payload in [start, end) has. Throws BAD_PAYLOAD, MESSAGE_TOO_LARGE, TOO_MANY_MESSAGES. */
export const countMessages = (
  { maxMessageBytes, maxBatchMessages }: DecoderLimits,
  view: DataView,
  start: number,
  end: number,
): number => {
  const count = countEntries(view, start, end, maxMessageBytes, maxBatchMessages);
  if (count > 0) return count;
  if (count === EntriesFault.TOO_LARGE) {
    throw new ProtocolError("MESSAGE_TOO_LARGE", `a message may have ${maxMessageBytes} bytes`);
  }
  if (count === EntriesFault.TOO_MANY) {
    throw new ProtocolError("TOO_MANY_MESSAGES", `a batch may have ${maxBatchMessages} messages`);
  }
  throw new ProtocolError("BAD_PAYLOAD", "the payload is not one or more entries");
};
