/** `/pop` and `/ack`: one message at a time, without waiting. */
import { StringDecoder } from "node:string_decoder";
import { setImmediate as nextTurn } from "node:timers/promises";
import { HAS_HEADERS, HEADERS_LENGTH_BYTES, WORD_BYTES } from "../../../../protocol/entry.js";
import { packHead } from "../../../../protocol/head.js";
import { formatId, parseId } from "../../../../protocol/id.js";
import { DEFAULT_KEY } from "../../../../protocol/limits.js";
import { Answer, Op } from "../../../../protocol/op.js";
import { readRuns } from "../../../../protocol/run.js";
import { SELECTION_BYTES, writeSelection } from "../../../../protocol/selection.js";
import type { AnswerFrame, Gateway } from "../../../native/gateway.js";
import type { HttpExchange } from "../../../ports/http/exchange.js";
import type { UnsentAnswers } from "../../../ports/http/unsent-answers.js";
import { refusal, refusalText, text } from "./answer.js";
import * as envelope from "./envelope.js";
import { parameter, type Route } from "./route.js";

/** What is made into JSON at once: with the worst of characters work for a few milliseconds. */
const SLICE_BYTES = 128 * 1024;

const UNSENT = "too many bytes of answers wait for clients to read them; pop again later";

export const popRoute =
  (gateway: Gateway, unsent: UnsentAnswers): Route =>
  (exchange, query) => {
    const topic = parameter(query, "topic");
    if (topic === "") return exchange.send(envelope.TOPIC_IS_EMPTY);
    // Before the message is anybody's: once it is popped it has to be sent.
    if (unsent.isFull) return exchange.send(envelope.failure(UNSENT));
    const bindKey = parameter(query, "bindKey");
    const onAnswer = exchange.guarded((frame: AnswerFrame) => answerPop(exchange, frame, bindKey));
    gateway.request(Op.POP, 0, packHead([topic, bindKey, 1, 0]), undefined, onAnswer);
  };

const answerPop = (exchange: HttpExchange, frame: AnswerFrame, bindKey: string): void => {
  if (frame.op !== Answer.MESSAGES) return exchange.send(popRefusal(frame, bindKey));
  const [run] = readRuns(frame.view, frame.payloadStart, frame.payloadEnd);
  if (run === undefined) return exchange.send(envelope.NO_MESSAGE);
  let body = run.start + WORD_BYTES;
  if (frame.view.getUint32(run.start) >= HAS_HEADERS) body += HEADERS_LENGTH_BYTES + frame.view.getUint16(body);
  const id = formatId(run.idHigh, run.idLow);
  if (run.end - body <= SLICE_BYTES) return exchange.send(envelope.popped(id, text(frame, body, run.end), run.retry));
  // A copy: the frame is somebody else's again when this returns.
  const bytes = Buffer.from(frame.bytes.slice(body, run.end));
  exchange.run(() => sendLarge(exchange, id, bytes, run.retry));
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

/** As it stands between quotes. */
const jsonText = (value: string): string => JSON.stringify(value).slice(1, -1);

const popRefusal = (frame: AnswerFrame, bindKey: string): string => {
  switch (refusal(frame)) {
    case "NO_TOPIC":
      return envelope.NO_MESSAGE;
    case "NO_QUEUE":
      return isDefault(bindKey) ? envelope.NO_MESSAGE : envelope.cannotMatchQueue(bindKey);
    default:
      return refusalText(frame);
  }
};

export const ackRoute =
  (gateway: Gateway): Route =>
  (exchange, query) => {
    const id = parseId(parameter(query, "msgId"));
    if (id === undefined || (id.high === 0 && id.low === 0)) return exchange.send(envelope.MSG_ID_IS_EMPTY);
    const topic = parameter(query, "topic");
    if (topic === "") return exchange.send(envelope.TOPIC_IS_EMPTY);
    const bindKey = parameter(query, "bindKey");
    const onAnswer = exchange.guarded((frame: AnswerFrame) => {
      exchange.send(ackAnswer(frame, formatId(id.high, id.low), bindKey));
    });
    gateway.request(Op.ACK, 0, packHead([topic, bindKey]), holder(id.high, id.low), onAnswer);
  };

/** The selection of one message, whoever holds it: an id is all that gmq's clients know. */
const holder = (high: number, low: number): Uint8Array => {
  const bytes = new Uint8Array(SELECTION_BYTES);
  writeSelection(new DataView(bytes.buffer), 0, high, low, 1, 0);
  return bytes;
};

const ackAnswer = (frame: AnswerFrame, id: string, bindKey: string): string => {
  if (frame.op === Answer.CONFIRM) return envelope.SUCCESS;
  if (frame.op === Answer.SETTLED) return envelope.isNotExist(id);
  switch (refusal(frame)) {
    case "NO_TOPIC":
    case "NO_QUEUE":
      return isDefault(bindKey) ? envelope.isNotExist(id) : envelope.isNotAssociated(bindKey);
    default:
      return refusalText(frame);
  }
};

/** The default queue is made on first use, so that it is never missing: it is only empty. */
const isDefault = (bindKey: string): boolean => bindKey === "" || bindKey === DEFAULT_KEY;
