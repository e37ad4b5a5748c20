/** What a request selects, of messages that a recorder has seen. */
import { SELECTION_BYTES, writeSelection } from "../../src/protocol/selection.js";
import type { Slice } from "../../src/shard/command.js";
import type { Effect, SeenMessage } from "./model/effects.js";

/** The messages that a shard has handed out or shown. */
export const messagesIn = (effects: readonly Effect[]): readonly SeenMessage[] =>
  effects.flatMap((effect) => (effect.kind === "messages" ? effect.messages : []));

/** Selections of these messages, one by one, under their deliveries. */
export const selecting = (messages: readonly Pick<SeenMessage, "id" | "delivery">[]): Slice => {
  const bytes = new Uint8Array(messages.length * SELECTION_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [i, { id, delivery }] of messages.entries()) {
    writeSelection(view, i * SELECTION_BYTES, Number(id >> 32n), Number(id & 0xffff_ffffn), 1, delivery);
  }
  return { bytes, view, start: 0, end: bytes.length };
};
