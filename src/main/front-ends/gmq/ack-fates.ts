/** What became of acks that went to a queue in one request. */
import { formatId } from "../../../protocol/id.js";
import { Answer } from "../../../protocol/op.js";
import { readFaults } from "../../../protocol/selection.js";
import type { AnswerFrame } from "../../native/answer-frame.js";
import { readAck } from "./pop-ack.js";
import { isNotExist } from "./words.js";

const done = (): string => "";

/** Why the ack at an index was refused; an empty text: it was not. `ids` are high and low words. */
export const readAcks = (frame: AnswerFrame, bindKey: string, ids: Uint32Array): ((index: number) => string) => {
  if (frame.op === Answer.CONFIRM) return done;
  if (frame.op === Answer.SETTLED) return settled(frame, ids);
  // A refusal, which may name its id.
  const texts = Array.from({ length: ids.length / 2 }, (_, i) => readAck(frame, bindKey, idAt(ids, i)) ?? "");
  return (index) => texts[index] ?? "";
};

const idAt = (ids: Uint32Array, index: number): { readonly high: number; readonly low: number } => ({
  high: ids[index * 2] ?? 0,
  low: ids[index * 2 + 1] ?? 0,
});

/** Of several acks of one message it is the last ones that are refused. */
const settled = ({ view, payloadStart, payloadEnd }: AnswerFrame, ids: Uint32Array): ((index: number) => string) => {
  const faults = new Map<string, number>();
  for (const { high, low, count } of readFaults(view, payloadStart, payloadEnd)) {
    for (let i = 0; i < count; i++) {
      const id = formatId(high, low + i);
      faults.set(id, (faults.get(id) ?? 0) + 1);
    }
  }
  const texts = new Array<string>(ids.length / 2).fill("");
  for (let i = texts.length - 1; i >= 0; i--) {
    const { high, low } = idAt(ids, i);
    const id = formatId(high, low);
    const left = faults.get(id) ?? 0;
    if (left === 0) continue;
    texts[i] = isNotExist(id);
    faults.set(id, left - 1);
  }
  return (index) => texts[index] ?? "";
};
