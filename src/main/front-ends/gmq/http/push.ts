/**
 * `/push`: one message in a form. This is the path that is to cost little more than reading the body: one part, one pass
 * over its bytes, a head that is already encoded, and an answer put together from two halves.
 */
import { WORD_BYTES } from "../../../../protocol/entry.js";
import { packHead } from "../../../../protocol/head.js";
import { formatId } from "../../../../protocol/id.js";
import { Answer, Op } from "../../../../protocol/op.js";
import { RECEIPT_ID_HIGH, RECEIPT_ID_LOW } from "../../../../protocol/selection.js";
import type { AnswerFrame, Gateway } from "../../../native/gateway.js";
import { BodyDeadlines, type BodyReader, takeBody } from "../../../ports/http/body-intake.js";
import type { HttpRequest } from "../../../ports/http/engine.js";
import type { HttpExchange } from "../../../ports/http/exchange.js";
import { refusal, refusalText, result } from "./answer.js";
import * as envelope from "./envelope.js";
import type { Job } from "./job.js";
import { PublishHeads } from "./publish-head.js";
import { type FormType, formType, PushForm } from "./push-form.js";
import { parseStatistics } from "./topic-statistics.js";

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
    readonly gateway: Gateway,
    readonly maxMessageBytes: number,
  ) {
    this.#maxBodyBytes = maxMessageBytes * ENCODED_BYTES + FORM_BYTES;
    this.#form = new PushForm(maxMessageBytes, Buffer.alloc(SCRATCH_BYTES));
  }

  handle(exchange: HttpExchange, request: HttpRequest): void {
    const type = canHaveForm(request.method) ? formType(request.header("content-type")) : undefined;
    if (type === undefined) return exchange.send(envelope.DATA_IS_EMPTY);
    takeBody(exchange, this.#deadlines, this.#maxBodyBytes, (isWhole) => this.#read(exchange, type, isWhole));
  }

  #read(exchange: HttpExchange, type: FormType, isWhole: boolean): BodyReader {
    const form = isWhole ? this.#form : new PushForm(this.maxMessageBytes);
    form.begin(type);
    return {
      write: (bytes) => form.write(bytes),
      end: () => this.#push(exchange, form),
      tooLarge: () => exchange.send(envelope.failure(`the request is above ${this.#maxBodyBytes} bytes`)),
      release: () => form.body.release(),
    };
  }

  #push(exchange: HttpExchange, form: PushForm): void {
    const job = form.end();
    if (job === undefined) return exchange.send(envelope.DATA_IS_EMPTY);
    if (typeof job === "string") return exchange.send(envelope.failure(job));
    const { body } = form;
    if (body.fault === "busy") return exchange.send(envelope.failure(BUSY));
    if (body.fault !== undefined) return exchange.send(envelope.failure(`body is above ${body.limit} bytes`));
    const entry = body.withLead();
    entry.writeUInt32BE(entry.length - WORD_BYTES, 0);
    const onAnswer = exchange.guarded((frame: AnswerFrame) => {
      if (frame.op === Answer.CONFIRM) exchange.send(confirmed(frame));
      else if (refusal(frame) === "NO_ROUTE") this.#sendNoRoute(exchange, job);
      else exchange.send(refusalText(frame));
    });
    this.gateway.request(Op.PUBLISH, 0, this.#heads.get(job.topic, job.routeKey, job.delay), entry, onAnswer);
  }

  /** gmq names the route mode of the topic, so it has to be asked for. */
  #sendNoRoute(exchange: HttpExchange, job: Job): void {
    const onAnswer = exchange.guarded((frame: AnswerFrame) => {
      const pattern = frame.op === Answer.RESULT && parseStatistics(result(frame)).pattern;
      exchange.send(envelope.isNotMatch(job.routeKey, pattern ? 2 : 1));
    });
    this.gateway.request(Op.STATS, 0, packHead([job.topic]), undefined, onAnswer);
  }
}

/** The only receipt of the CONFIRM is this request's. */
const confirmed = (frame: AnswerFrame): string => {
  const high = frame.view.getUint32(frame.payloadStart + RECEIPT_ID_HIGH);
  const low = frame.view.getUint32(frame.payloadStart + RECEIPT_ID_LOW);
  return envelope.pushed(formatId(high, low));
};

/** A GET has no form, whatever it carries: `data` in the query string is not read. */
const canHaveForm = (method: string): boolean => method === "post" || method === "put" || method === "patch";
