/**
 * `/push`: one message in a form. This is the path that is to cost little more than reading the body: one chunk, one
 * JSON.parse, a head that is already encoded, and an answer put together from two halves.
 */
import uWS, { type HttpRequest, type HttpResponse } from "uWebSockets.js";
import { WORD_BYTES } from "../../protocol/entry.js";
import { packHead } from "../../protocol/head.js";
import { formatId } from "../../protocol/id.js";
import { Answer, Op } from "../../protocol/op.js";
import { RECEIPT_ID_HIGH, RECEIPT_ID_LOW } from "../../protocol/selection.js";
import type { AnswerFrame, Gateway } from "../gateway.js";
import { refusal, refusalText, result } from "./answer.js";
import { type BodyFault, collectBody } from "./body.js";
import * as envelope from "./envelope.js";
import { Exchange } from "./exchange.js";
import { formField } from "./form.js";
import { type Job, parseJob } from "./job.js";
import { PublishHeads } from "./publish-head.js";
import { parseStatistics } from "./topic-statistics.js";

/** Percent-encoding writes a byte as three. */
const ENCODED_BYTES = 3;
/** The other fields of the form and of the JSON. */
const FORM_BYTES = 64 * 1024;
/** Entries up to this size are laid out in a buffer that is used again. */
const SCRATCH_BYTES = 64 * 1024;

const URL_ENCODED = "application/x-www-form-urlencoded";
const MULTIPART = "multipart/form-data";

export class PushRoute {
  readonly #heads = new PublishHeads();
  readonly #scratch = Buffer.alloc(SCRATCH_BYTES);
  readonly #maxBodyBytes: number;

  constructor(
    readonly gateway: Gateway,
    readonly maxMessageBytes: number,
  ) {
    this.#maxBodyBytes = maxMessageBytes * ENCODED_BYTES + FORM_BYTES;
  }

  handle(response: HttpResponse, request: HttpRequest): void {
    const exchange = new Exchange(response);
    const type = request.getHeader("content-type");
    const read = canHaveForm(request.getMethod()) ? reader(type) : undefined;
    if (read === undefined) return exchange.send(envelope.DATA_IS_EMPTY);
    collectBody(
      response,
      exchange,
      this.#maxBodyBytes,
      (body) => this.#push(exchange, read(body, type)),
      (fault) => exchange.send(faultText(fault, this.#maxBodyBytes)),
    );
  }

  #push(exchange: Exchange, data: string | undefined): void {
    if (data === undefined || data === "") return exchange.send(envelope.DATA_IS_EMPTY);
    const job = parseJob(data);
    if (typeof job === "string") return exchange.send(envelope.failure(job));
    const entry = this.#entry(job.body);
    if (entry === undefined) return exchange.send(envelope.failure(`body is above ${this.maxMessageBytes} bytes`));
    const head = this.#heads.get(job.topic, job.routeKey, job.delay);
    this.gateway.request(Op.PUBLISH, 0, head, entry, (frame) => {
      if (frame.op === Answer.CONFIRM) exchange.send(confirmed(frame));
      else if (refusal(frame) === "NO_ROUTE") this.#sendNoRoute(exchange, job);
      else exchange.send(refusalText(frame));
    });
  }

  /** The body as an entry, good until the next; undefined when it is too large. */
  #entry(body: string): Uint8Array | undefined {
    const most = body.length * ENCODED_BYTES;
    const size = most <= SCRATCH_BYTES - WORD_BYTES ? -1 : Buffer.byteLength(body);
    if (size > this.maxMessageBytes) return undefined;
    const entry = size < 0 ? this.#scratch : Buffer.allocUnsafe(WORD_BYTES + size);
    const written = entry.write(body, WORD_BYTES, "utf8");
    if (written > this.maxMessageBytes) return undefined;
    entry.writeUInt32BE(written, 0);
    return entry.subarray(0, WORD_BYTES + written);
  }

  /** gmq names the route mode of the topic, so it has to be asked for. */
  #sendNoRoute(exchange: Exchange, job: Job): void {
    this.gateway.request(Op.STATS, 0, packHead([job.topic]), undefined, (frame) => {
      const pattern = frame.op === Answer.RESULT && parseStatistics(result(frame)).pattern;
      exchange.send(envelope.isNotMatch(job.routeKey, pattern ? 2 : 1));
    });
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

/** How a body of this type tells `data`; undefined for a type that is not a form. */
const reader = (type: string): ((body: Buffer, type: string) => string | undefined) | undefined => {
  if (type.startsWith(URL_ENCODED)) return readUrlEncoded;
  if (type.startsWith(MULTIPART)) return readMultipart;
  const lower = type.trimStart().toLowerCase();
  if (lower.startsWith(URL_ENCODED)) return readUrlEncoded;
  return lower.startsWith(MULTIPART) ? readMultipart : undefined;
};

const readUrlEncoded = (body: Buffer): string | undefined => formField(body.toString(), "data");

const readMultipart = (body: Buffer, type: string): string | undefined => {
  for (const part of uWS.getParts(body, type) ?? []) {
    if (part.name === "data" && part.filename === undefined) return Buffer.from(part.data).toString();
  }
  return undefined;
};

const faultText = (fault: BodyFault, limit: number): string =>
  envelope.failure(
    fault === "too large"
      ? `the request is above ${limit} bytes`
      : "the broker holds as many unfinished requests as it may, try again later",
  );
