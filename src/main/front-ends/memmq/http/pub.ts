/** `/pub`: the body of a request, of whatever method, is one message. */
import { WORD_BYTES } from "../../../../protocol/entry.js";
import { GatheredBody } from "../../../native/gathered-body.js";
import { BodyDeadlines, type BodyReader, takeBody } from "../../../ports/http/body-intake.js";
import type { Caller } from "../../../ports/http/caller.js";
import type { HttpRequest } from "../../../ports/http/engine.js";
import { type HttpExchange, JSON_TYPE } from "../../../ports/http/exchange.js";
import type { Channels, Refusal } from "../channels.js";
import { PUBLISHED, refused } from "./answer.js";
import { PublishQueries, type PublishQuery } from "./query.js";

/** Messages up to this size are laid out in a buffer that is used again. */
const SCRATCH_BYTES = 64 * 1024;

export class PubRoute {
  readonly #channels: Channels;
  readonly #maxMessageBytes: number;
  readonly #queries = new PublishQueries();
  readonly #deadlines = new BodyDeadlines();
  /** For all bodies that come in one part. */
  readonly #whole: GatheredBody;

  constructor(channels: Channels, maxMessageBytes: number) {
    this.#channels = channels;
    this.#maxMessageBytes = maxMessageBytes;
    this.#whole = new GatheredBody(maxMessageBytes, WORD_BYTES, Buffer.alloc(SCRATCH_BYTES));
  }

  /** @throws ParameterError */
  handle(exchange: HttpExchange, request: HttpRequest): void {
    const query = this.#queries.get(request.query);
    const { caller } = exchange;
    takeBody(exchange, this.#deadlines, this.#maxMessageBytes, (isWhole) =>
      this.#read(exchange, query, isWhole, caller),
    );
  }

  #read(exchange: HttpExchange, query: PublishQuery, isWhole: boolean, caller: Caller): BodyReader {
    const body = isWhole ? this.#whole : new GatheredBody(this.#maxMessageBytes, WORD_BYTES);
    body.reset();
    return {
      write: (bytes) => body.append(bytes),
      end: () => this.#publish(exchange, query, body, caller),
      tooLarge: () => answer(exchange, this.#tooLarge),
      release: () => body.release(),
    };
  }

  #publish(exchange: HttpExchange, { topic, key }: PublishQuery, body: GatheredBody, caller: Caller): void {
    if (body.fault === "busy") return answer(exchange, BUSY);
    if (body.fault !== undefined) return answer(exchange, this.#tooLarge);
    const entry = body.withLead();
    entry.writeUInt32BE(entry.length - WORD_BYTES, 0);
    const onPublished = exchange.guarded((refusal: Refusal | undefined) => {
      if (refusal === undefined) exchange.send(PUBLISHED);
      else answer(exchange, refusal);
    });
    this.#channels.publish(caller, topic, key, entry, onPublished);
  }

  get #tooLarge(): Refusal {
    return { kind: "MESSAGE_TOO_LARGE", text: `a message has at most ${this.#maxMessageBytes} bytes` };
  }
}

const BUSY: Refusal = { kind: "BUSY", text: "the broker holds as many unfinished requests as it may, try again later" };

const answer = (exchange: HttpExchange, refusal: Refusal): void => {
  const { status, json } = refused(refusal);
  exchange.reply(status, JSON_TYPE, json);
};
