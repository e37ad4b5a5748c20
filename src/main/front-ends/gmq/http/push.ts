/**
 * `/push`: one message in a form. This is the path that is to cost little more than reading the body: one part, one pass
 * over its bytes, a head that is already encoded, and an answer put together from two halves.
 */

import { WORD_BYTES } from "../../../../protocol/entry.js";
import type { AnswerFrame } from "../../../native/answer-frame.js";
import { refusal, refusalMessage } from "../../../native/answer-reading.js";
import type { Session } from "../../../native/session.js";
import { BodyDeadlines, type BodyReader, takeBody } from "../../../ports/http/body-intake.js";
import type { Caller } from "../../../ports/http/caller.js";
import type { HttpRequest } from "../../../ports/http/engine.js";
import type { HttpExchange } from "../../../ports/http/exchange.js";
import type { HttpSessions } from "../../../ports/http/sessions.js";
import type { Job } from "../job.js";
import { PublishHeads } from "../publish-heads.js";
import { readNoRoute, readPush, requestPush, requestRouteMode } from "../push.js";
import * as envelope from "./envelope.js";
import { type FormType, formType, PushForm } from "./push-form.js";
import { unlessForbidden } from "./route.js";

/** Percent-encoding writes a byte as three. */
const ENCODED_BYTES = 3;
/** The other fields of the form and of the JSON. */
const FORM_BYTES = 64 * 1024;
/** Entries up to this size are laid out in a buffer that is used again. */
const SCRATCH_BYTES = 64 * 1024;

const BUSY = "the broker holds as many unfinished requests as it may, try again later";

export class PushRoute {
  readonly #heads = new PublishHeads();
  readonly #deadlines = new BodyDeadlines();
  readonly #maxBodyBytes: number;
  /** For all forms that come in one part. */
  readonly #form: PushForm;

  constructor(
    readonly sessions: HttpSessions,
    readonly maxMessageBytes: number,
  ) {
    this.#maxBodyBytes = maxMessageBytes * ENCODED_BYTES + FORM_BYTES;
    this.#form = new PushForm(maxMessageBytes, Buffer.alloc(SCRATCH_BYTES));
  }

  handle(exchange: HttpExchange, request: HttpRequest): void {
    const type = canHaveForm(request.method) ? formType(request.header("content-type")) : undefined;
    if (type === undefined) return exchange.send(envelope.DATA_IS_EMPTY);
    const { caller } = exchange;
    takeBody(exchange, this.#deadlines, this.#maxBodyBytes, (isWhole) => this.#read(exchange, type, isWhole, caller));
  }

  #read(exchange: HttpExchange, type: FormType, isWhole: boolean, caller: Caller): BodyReader {
    const form = isWhole ? this.#form : new PushForm(this.maxMessageBytes);
    form.begin(type);
    return {
      write: (bytes) => form.write(bytes),
      end: () => this.#push(exchange, form, caller),
      tooLarge: () => exchange.send(envelope.failure(`the request is above ${this.#maxBodyBytes} bytes`)),
      release: () => form.body.release(),
    };
  }

  #push(exchange: HttpExchange, form: PushForm, caller: Caller): void {
    const job = form.end();
    if (job === undefined) return exchange.send(envelope.DATA_IS_EMPTY);
    if (typeof job === "string") return exchange.send(envelope.failure(job));
    const { body } = form;
    if (body.fault === "busy") return exchange.send(envelope.failure(BUSY));
    if (body.fault !== undefined) return exchange.send(envelope.failure(`body is above ${body.limit} bytes`));
    const entry = body.withLead();
    entry.writeUInt32BE(entry.length - WORD_BYTES, 0);
    const session = this.sessions.shared(caller);
    const onAnswer = exchange.guarded(
      unlessForbidden(exchange, (frame: AnswerFrame) => {
        const id = readPush(frame);
        if (id !== undefined) exchange.send(envelope.pushed(id));
        else if (refusal(frame) === "NO_ROUTE") this.#sendNoRoute(exchange, session, job);
        else exchange.send(envelope.failure(refusalMessage(frame)));
      }),
    );
    requestPush(session, this.#heads.get(job.topic, job.routeKey, job.delay), entry, onAnswer);
  }

  #sendNoRoute(exchange: HttpExchange, session: Session, job: Job): void {
    const onAnswer = exchange.guarded((frame: AnswerFrame) => {
      exchange.send(envelope.failure(readNoRoute(frame, job.routeKey)));
    });
    requestRouteMode(session, job.topic, onAnswer);
  }
}

/** A GET has no form, whatever it carries: `data` in the query string is not read. */
const canHaveForm = (method: string): boolean => method === "post" || method === "put" || method === "patch";
