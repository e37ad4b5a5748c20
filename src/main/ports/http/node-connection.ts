/** One connection of the engine on node:http: which of its requests are under way, and how it ends. */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { lingeringEnd } from "../tcp-transport.js";

/** Requests that a client may have sent before the first of them is answered. Past it the connection is closed. */
const MAX_PIPELINED = 1024;

export class NodeConnection {
  readonly #socket: Socket;
  #unanswered = 0;
  #newest: IncomingMessage | undefined;
  /** A handler has paused the body of its request. */
  #isHeld = false;
  /** Requests that still come are ignored. */
  #isClosing = false;
  /** A raw answer that is sent once all requests under way are answered. */
  #lastWords: string | undefined;
  #answered: (() => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
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

  /** A request is answered, or its client has gone. */
  done(): void {
    this.#unanswered--;
    this.#isHeld = false;
    if (this.#unanswered > 0) return;
    if (this.#lastWords !== undefined) this.#sayLast();
    const callback = this.#answered;
    this.#answered = undefined;
    callback?.();
  }

  /** Calls back, unless nothing more is to be run, when all that came before is answered. It must not throw. */
  whenAnswered(callback: () => void): void {
    if (this.#isClosing) return;
    if (this.#unanswered === 0) callback();
    else this.#answered = callback;
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
