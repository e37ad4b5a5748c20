/** push: one message to a topic. */
import { packHead } from "../../../protocol/head.js";
import { Answer, ONE_BY_ONE, Op } from "../../../protocol/op.js";
import type { AnswerFrame, AnswerHandler } from "../../native/answer-frame.js";
import { publishedId, refusal, refusalMessage, result } from "../../native/answer-reading.js";
import type { Session } from "../../native/session.js";
import { parseStatistics } from "./topic-statistics.js";
import { isNotMatch } from "./words.js";

/** `head` is that of `PublishHeads`; `entry` the message, with its length in front of it. */
export const requestPush = (session: Session, head: Uint8Array, entry: Uint8Array, onAnswer: AnswerHandler): void => {
  session.request(Op.PUBLISH, 0, head, entry, onAnswer);
};

/** The same for several messages, each of which has a fate of its own: the answer may be a RESULT. */
export const requestPushes = (
  session: Session,
  head: Uint8Array,
  entries: Uint8Array,
  onAnswer: AnswerHandler,
): void => {
  session.request(Op.PUBLISH, ONE_BY_ONE, head, entries, onAnswer);
};

/** Messages one behind the other that were taken, under ids from this one on, or were refused alike. */
export type PushFate =
  | { readonly count: number; readonly refusal: string }
  | { readonly count: number; readonly refusal: undefined; readonly idHigh: number; readonly idLow: number };

/** What the RESULT of `requestPushes` tells. */
export const readPushFates = (frame: AnswerFrame): PushFate[] => {
  const fates: PushFate[] = [];
  const value = result(frame);
  if (!Array.isArray(value)) return fates;
  for (const [count, first, second] of value as readonly (readonly [number, number, number | string])[]) {
    if (typeof second === "string") fates.push({ count, refusal: second });
    else fates.push({ count, refusal: undefined, idHigh: first, idLow: second });
  }
  return fates;
};

/** The id of the message; undefined when it was refused. */
export const readPush = (frame: AnswerFrame): string | undefined =>
  frame.op === Answer.CONFIRM ? publishedId(frame) : undefined;

/** When there was no route: gmq names the route mode of the topic, so it has to be asked for. */
export const requestRouteMode = (session: Session, topic: string, onAnswer: AnswerHandler): void => {
  session.request(Op.STATS, 0, packHead([topic]), undefined, onAnswer);
};

/** What gmq says of a message that no queue of the topic takes. */
export const readNoRoute = (frame: AnswerFrame, routeKey: string): string => {
  const pattern = frame.op === Answer.RESULT && parseStatistics(result(frame)).pattern;
  return isNotMatch(routeKey, pattern ? 2 : 1);
};

/** Why a message was refused. The broker ends its refusal of one without a route with the mode. */
export const readPushRefusal = (frame: AnswerFrame, routeKey: string): string => {
  const text = refusalMessage(frame);
  if (refusal(frame) !== "NO_ROUTE") return text;
  return isNotMatch(routeKey, text.endsWith("(mode pattern)") ? 2 : 1);
};
