/**
 * A request that waits for its answer. One stands for a whole frame, however many messages the frame carries.
 */
import { ProtocolError } from "../../protocol/errors.js";
import { deferred } from "../base/deferred.js";
import type { RingmqError } from "../base/error.js";
import type { Chunk } from "./chunk.js";
import type { Dating } from "./dated-frame.js";

const unexpected = (answer: string): never => {
  throw new ProtocolError("BAD_FRAME", `${answer} does not answer this request`);
};

/** For how long a request waits for its answer. */
export const Patience = {
  /** For ever: as long as there is a connection, or another one is made. */
  ENDLESS: 0,
  /** As long as `requestTimeout` says until it is sent, then for ever: its answer brings messages, or takes as long as it does. */
  UNTIL_SENT: 1,
  /** As long as `requestTimeout` says. */
  REQUEST: 2,
  /** As long as `publishTimeout` says. */
  PUBLISH: 3,
} as const;

export type Patience = (typeof Patience)[keyof typeof Patience];

/**
 * One method for each kind of answer; a request overrides those that it can get. Exactly one of them is called, once.
 * What it throws ends the connection.
 */
export abstract class PendingRequest {
  /** Bytes to release when it is answered. */
  pendingBytes = 0;
  /** It may be sent again when its connection is lost: that does no harm, or the broker knows it by its number. */
  isRepeatable = false;
  /** The frame, as long as it has to be sent or may have to be sent again. */
  frame: Uint8Array | undefined = undefined;
  /** What the frame says of time, if it does: less is left of it whenever it is sent again. */
  dated: Dating | undefined = undefined;
  /** The chunk that the frame is in, if nothing else is; it holds it. */
  chunk: Chunk | undefined = undefined;
  /** It is on its way on the connection that there is. */
  isSent = false;
  /** It was on its way on a connection that was lost. */
  wasSent = false;
  /** The tick of the connection's deadlines at which it is given up; 0: never. */
  deadline = 0;

  get patience(): Patience {
    return Patience.REQUEST;
  }

  /** CONFIRM. `high` and `low` are the first id, 0 when there are no ids; `durability` is the frame's flag. */
  confirmed(_high: number, _low: number, _messages: number, _durability: number): void {
    unexpected("CONFIRM");
  }

  /** MESSAGES: the runs are [start, end), and what is told beside them [headStart, start). The request may keep the bytes. */
  messages(_bytes: Uint8Array, _view: DataView, _start: number, _end: number, _headStart: number): void {
    unexpected("MESSAGES");
  }

  /** REPLIED: the message is [start, end). The request may keep the bytes. */
  replied(_bytes: Uint8Array, _view: DataView, _start: number, _end: number): void {
    unexpected("REPLIED");
  }

  result(_value: unknown): void {
    unexpected("RESULT");
  }

  /** SETTLED: so many were, and what were not is told by the faults in [start, end). */
  settled(_count: number, _view: DataView, _start: number, _end: number): void {
    unexpected("SETTLED");
  }

  /** ERROR, which has a name where a responder's program has failed; or the connection has ended. */
  abstract failed(error: RingmqError, name?: string): void;
}

/** A request whose answer settles one promise. */
export abstract class PromisedRequest<T> extends PendingRequest {
  readonly #answer = deferred<T>();

  get promise(): Promise<T> {
    return this.#answer.promise;
  }

  protected resolve(value: T): void {
    this.#answer.resolve(value);
  }

  override failed(error: RingmqError): void {
    this.#answer.reject(error);
  }
}

/** Answered by CONFIRM with the number of messages that the request affected. */
export class CountRequest extends PromisedRequest<number> {
  override confirmed(_high: number, _low: number, messages: number): void {
    this.resolve(messages);
  }
}

/** Answered by RESULT. `read` throws ProtocolError when the value is of another kind than the request asks for. */
export class ResultRequest<T> extends PromisedRequest<T> {
  readonly #read: (value: unknown) => T;

  constructor(read: (value: unknown) => T) {
    super();
    this.#read = read;
  }

  override result(value: unknown): void {
    this.resolve(this.#read(value));
  }
}
