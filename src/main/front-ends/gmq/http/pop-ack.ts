/** `/pop` and `/ack`: one message at a time, without waiting. */
import { StringDecoder } from "node:string_decoder";
import { setImmediate as nextTurn } from "node:timers/promises";
import { parseId } from "../../../../protocol/id.js";
import type { AnswerFrame } from "../../../native/answer-frame.js";
import { text } from "../../../native/answer-reading.js";
import type { HttpExchange } from "../../../ports/http/exchange.js";
import type { HttpSessions } from "../../../ports/http/sessions.js";
import type { UnsentAnswers } from "../../../ports/http/unsent-answers.js";
import { readAck, readPop, requestAck, requestPop } from "../pop-ack.js";
import * as envelope from "./envelope.js";
import { parameter, type Route, unlessForbidden, withSession } from "./route.js";

/** Bytes that are made into JSON at once: at worst, when all have to be escaped, a few milliseconds of work. */
const SLICE_BYTES = 128 * 1024;

const UNSENT = "too many bytes of answers wait for clients to read them; pop again later";

export const popRoute =
  (sessions: HttpSessions, unsent: UnsentAnswers): Route =>
  (exchange, query) => {
    const topic = parameter(query, "topic");
    if (topic === "") return exchange.send(envelope.TOPIC_IS_EMPTY);
    // Checked before the pop: a message that was popped has to be sent.
    if (unsent.isFull) return exchange.send(envelope.failure(UNSENT));
    const bindKey = parameter(query, "bindKey");
    withSession(exchange, sessions, ({ session, last }) => {
      const onAnswer = last((frame) => answerPop(exchange, frame, bindKey));
      requestPop(session, topic, bindKey, 0, onAnswer);
    });
  };

const answerPop = (exchange: HttpExchange, frame: AnswerFrame, bindKey: string): void => {
  const popped = readPop(frame, bindKey);
  if (typeof popped === "string") return exchange.send(envelope.failure(popped));
  const { id, start, end, retry } = popped;
  if (end - start <= SLICE_BYTES) return exchange.send(envelope.popped(id, text(frame, start, end), retry));
  // A copy: the frame is somebody else's again when this returns.
  const bytes = Buffer.from(frame.bytes.slice(start, end));
  exchange.run(() => sendLarge(exchange, id, bytes, retry));
};

/** Makes JSON of a large body a slice in each turn of the event loop, and no faster than the client takes it. */
const sendLarge = async (exchange: HttpExchange, id: string, body: Buffer, retry: number): Promise<void> => {
  exchange.keep(body.length);
  const [head, tail] = envelope.poppedEnds(id, retry);
  // No character is cut in two.
  const decoder = new StringDecoder("utf8");
  let part = head;
  for (let at = 0; at < body.length && exchange.open; at += SLICE_BYTES) {
    part += jsonText(decoder.write(body.subarray(at, at + SLICE_BYTES)));
    await exchange.write(part);
    await nextTurn();
    part = "";
  }
  exchange.end(jsonText(decoder.end()) + tail);
};

/** As JSON, without the quotes. */
const jsonText = (value: string): string => JSON.stringify(value).slice(1, -1);

export const ackRoute =
  (sessions: HttpSessions): Route =>
  (exchange, query) => {
    const id = parseId(parameter(query, "msgId"));
    if (id === undefined || (id.high === 0 && id.low === 0)) return exchange.send(envelope.MSG_ID_IS_EMPTY);
    const topic = parameter(query, "topic");
    if (topic === "") return exchange.send(envelope.TOPIC_IS_EMPTY);
    const bindKey = parameter(query, "bindKey");
    const onAnswer = exchange.guarded(
      unlessForbidden(exchange, (frame) => exchange.send(envelope.outcome(readAck(frame, bindKey, id)))),
    );
    requestAck(sessions.shared(exchange.caller), topic, bindKey, id, onAnswer);
  };
