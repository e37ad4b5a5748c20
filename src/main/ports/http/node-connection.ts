/** One connection of the engine on node:http: which of its requests are under way, and how it ends. */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { lingeringEnd } from "../tcp-transport.js";

/** Requests that a client may have sent before the first of them is answered. Past it the connection is closed. */
const MAX_PIPELINED = 1024;

/** The answer to one of its requests. */
export interface UnfinishedAnswer {
  /** The socket takes more. */
  drained(): void;
  /** The client has gone. */
  gone(): void;
}

export class NodeConnection {
  readonly #socket: Socket;
  #unanswered = 0;
  /** Of requests that are not answered. */
  readonly #answers = new Set<UnfinishedAnswer>();
  #newest: IncomingMessage | undefined;
  /** A handler has paused the body of its request. */
  #isHeld = false;
  /** Requests that still come are ignored. */
  #isClosing = false;
  /** A raw answer that is sent once all requests under way are answered. */
  #lastWords: string | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    // Node tells it to the answer alone that is being sent, not to those behind it.
    socket.once("close", () => {
      for (const answer of [...this.#answers]) answer.gone();
    });
  }

  /** Requests are under way. */
  get isBusy(): boolean {
    return this.#unanswered > 0;
  }

  /** False: the request is not to be run. */
  begin(message: IncomingMessage): boolean {
    if (this.#isClosing) return false;
    if (this.#unanswered >= MAX_PIPELINED) {
      this.#isClosing = true;
      this.#socket.destroy();
      return false;
    }
    this.#unanswered++;
    this.#newest = message;
    return true;
  }

  /** A request that was begun is to be answered by `answer`. */
  enter(answer: UnfinishedAnswer): void {
    this.#answers.add(answer);
  }

  /** A request is answered, or its client has gone. */
  done(answer: UnfinishedAnswer): void {
    if (!this.#answers.delete(answer)) return;
    this.#unanswered--;
    this.#isHeld = false;
    if (this.#unanswered === 0 && this.#lastWords !== undefined) this.#sayLast();
  }

  /** A body is not read for now: its client may be silent. */
  hold(): void {
    this.#isHeld = true;
  }

  /** It is read again. */
  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#restartTimeout();
  }

  /** The answer that is being sent is the last one. */
  closing(): void {
    this.#isClosing = true;
  }

  /** What came is no request: `answer`, raw, follows those to what came before it, and the connection is closed. */
  fail(answer: string): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#lastWords = answer;
    if (this.#unanswered === 0) this.#sayLast();
  }

  /**
   * The newest request wants to speak something else while others are under way: the same. Node has let go of the socket,
   * and no longer tells the answers when it takes more, or that nothing moves.
   */
  failDetached(answer: string): void {
    this.#socket.on("drain", () => {
      for (const answer of [...this.#answers]) answer.drained();
    });
    this.#socket.on("timeout", () => this.idle());
    // What comes is read, and dropped, so that the end is noticed.
    this.#socket.resume();
    this.fail(answer);
  }

  /**
   * Nothing has come or gone for a while. It is closed unless it is the broker that is waited for; then it is
   * looked at again after as long.
   */
  idle(): void {
    const isBrokersTurn = this.#unanswered > 0 && (this.#isHeld || this.#newest?.complete === true);
    if (!isBrokersTurn || this.#socket.writableLength > 0) this.#socket.destroy();
    else this.#restartTimeout();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #restartTimeout(): void {
    this.#socket.setTimeout(this.#socket.timeout ?? 0);
  }

  #sayLast(): void {
    if (this.#socket.writable) lingeringEnd(this.#socket, Buffer.from(this.#lastWords ?? ""));
    else this.#socket.destroy();
  }
}
