/**
 * A route that takes its parameters from the query string. Every method but HEAD reaches it; what a promise rejects
 * with is the request's.
 */
import { MAX_NAME_BYTES } from "../../../../protocol/limits.js";
import type { AnswerFrame, AnswerHandler } from "../../../native/answer-frame.js";
import type { Session } from "../../../native/session.js";
import type { HttpExchange } from "../../../ports/http/exchange.js";
import type { HttpSessions } from "../../../ports/http/sessions.js";
import { formField } from "./form.js";

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

/** Has the exchange a session to itself until its client is answered or has gone. */
export const withSession = (exchange: HttpExchange, sessions: HttpSessions, ask: (asking: Asking) => void): void => {
  const lease = sessions.lease(exchange.remoteAddress);
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
      callback(frame);
    });
  orDrop(() =>
    ask({
      session: lease.session,
      next: (callback) => exchange.guarded((frame: AnswerFrame) => orDrop(() => callback(frame))),
      last,
      answering: (read) => last((frame) => exchange.send(read(frame))),
    }),
  );
};
