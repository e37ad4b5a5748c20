/**
 * A route that takes its parameters from the query string. Every method but HEAD reaches it; what a promise rejects
 * with is the request's.
 */
import { MAX_NAME_BYTES } from "../../../../protocol/limits.js";
import { Answer } from "../../../../protocol/op.js";
import type { AnswerFrame, AnswerHandler } from "../../../native/answer-frame.js";
import { refusal, refusalMessage } from "../../../native/answer-reading.js";
import type { Session } from "../../../native/session.js";
import { type HttpExchange, JSON_TYPE } from "../../../ports/http/exchange.js";
import type { HttpSessions } from "../../../ports/http/sessions.js";
import { failure } from "./envelope.js";
import { formField } from "./form.js";

const FORBIDDEN = "403 Forbidden";

export type Route = (exchange: HttpExchange, query: string) => void | Promise<void>;

/** A parameter that cannot be taken; its text says why. */
export class ParameterError extends Error {
  override readonly name = "ParameterError";
}

/**
 * A parameter; one that is missing is empty, as in gmq.
 *
 * @throws ParameterError for one that is longer than any name: longer in characters is longer in bytes, and the broker
 * tells the rest.
 */
export const parameter = (query: string, name: string): string => {
  const value = formField(query, name) ?? "";
  if (value.length > MAX_NAME_BYTES) throw new ParameterError(`${name} is longer than ${MAX_NAME_BYTES} bytes`);
  return value;
};

/** A session that an exchange has to itself, and handlers of answers that run in the boundary of the exchange. */
export interface Asking {
  readonly session: Session;
  /** For an answer that leads to another request. */
  next(callback: AnswerHandler): AnswerHandler;
  /** For the last answer: gives the session back. */
  last(callback: AnswerHandler): AnswerHandler;
  /** The same, and sends the JSON that `read` makes of the answer. */
  answering(read: (frame: AnswerFrame) => string): AnswerHandler;
}

/** Hands on an answer, unless the caller may not do this: then the request is answered with 403. */
export const unlessForbidden =
  (exchange: HttpExchange, callback: AnswerHandler): AnswerHandler =>
  (frame) => {
    if (frame.op !== Answer.ERROR || refusal(frame) !== "FORBIDDEN") return callback(frame);
    exchange.reply(FORBIDDEN, JSON_TYPE, failure(refusalMessage(frame)));
  };

/** Has the exchange a session to itself until its client is answered or has gone. */
export const withSession = (exchange: HttpExchange, sessions: HttpSessions, ask: (asking: Asking) => void): void => {
  const lease = sessions.lease(exchange.caller);
  exchange.onGone(lease.drop);
  /** Ends the session if `work` throws. */
  const orDrop = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      lease.drop();
      throw error;
    }
  };
  const last = (callback: AnswerHandler): AnswerHandler =>
    exchange.guarded((frame: AnswerFrame) => {
      lease.give();
      unlessForbidden(exchange, callback)(frame);
    });
  orDrop(() =>
    ask({
      session: lease.session,
      // One that is refused is the last.
      next: (callback) =>
        exchange.guarded((frame: AnswerFrame) => {
          if (frame.op === Answer.ERROR && refusal(frame) === "FORBIDDEN") last(callback)(frame);
          else orDrop(() => callback(frame));
        }),
      last,
      answering: (read) => last((frame) => exchange.send(read(frame))),
    }),
  );
};
