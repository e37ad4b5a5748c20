/**
 * A request that waits for its answer. One stands for a whole frame, however many messages it carries.
 */
import { ProtocolError } from "../../protocol/errors.js";
import type { ReceivedFault } from "../../protocol/selection.js";
import { deferred } from "../base/deferred.js";
import type { RingmqError } from "../base/error.js";

const unexpected = (answer: string): never => {
  throw new ProtocolError("BAD_FRAME", `${answer} does not answer this request`);
};

/** The kinds of answer; each exchange takes the ones that its request can have. Exactly one method is called, once. */
export abstract class Exchange {
  /** Bytes that it holds of the client's allowance until it is answered. */
  held = 0;

  /** CONFIRM. `high` and `low` are the first id, 0 where there is none to tell; `durability` is the frame's flag. */
  confirmed(_high: number, _low: number, _messages: number, _durability: number): void {
    unexpected("CONFIRM");
  }

  /** MESSAGES: the runs are [start, end). The bytes are the exchange's to keep. */
  messages(_bytes: Uint8Array, _view: DataView, _start: number, _end: number): void {
    unexpected("MESSAGES");
  }

  result(_value: unknown): void {
    unexpected("RESULT");
  }

  settled(_count: number, _faults: readonly ReceivedFault[]): void {
    unexpected("SETTLED");
  }

  /** ERROR, or the connection has ended. */
  abstract failed(error: RingmqError): void;
}

/** An exchange that is one promise. */
export abstract class PromisedExchange<T> extends Exchange {
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

/** Answered by how many messages it was done to. */
export class CountExchange extends PromisedExchange<number> {
  override confirmed(_high: number, _low: number, messages: number): void {
    this.resolve(messages);
  }
}

/** Answered by a value. `read` throws ProtocolError when it is not of the kind that was asked for. */
export class ResultExchange<T> extends PromisedExchange<T> {
  readonly #read: (value: unknown) => T;

  constructor(read: (value: unknown) => T) {
    super();
    this.#read = read;
  }

  override result(value: unknown): void {
    this.resolve(this.#read(value));
  }
}
