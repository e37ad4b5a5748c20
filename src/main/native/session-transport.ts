/** What the connection of a session is carried by: its frames go to the session, and its limits hold for the client's own socket. */
import type { SessionAnswers } from "./session-answers.js";
import type { SessionClient } from "./session-client.js";
import type { Identity } from "./session-options.js";
import type { Transport } from "./transport.js";

/** A session as seen from here. */
export interface FrameTaker {
  readonly identity: Identity;
  /** Takes whole frames, which are good until this returns. */
  take(bytes: Buffer): void;
}

export class SessionTransport implements Transport {
  readonly framed = true;
  readonly #session: FrameTaker;
  readonly #answers: SessionAnswers;
  readonly #client: SessionClient;

  constructor(session: FrameTaker, answers: SessionAnswers, client: SessionClient) {
    this.#session = session;
    this.#answers = answers;
    this.#client = client;
  }

  get canPause(): boolean {
    return this.#client.canPause;
  }

  get protocol(): string {
    return this.#session.identity.protocol;
  }

  get address(): string {
    return this.#session.identity.address;
  }

  write(bytes: Buffer): boolean {
    this.#session.take(bytes);
    return true;
  }

  bufferedBytes(): number {
    return this.#client.unsentBytes() + this.#answers.heldBytes;
  }

  pause(): void {
    this.#client.pause();
  }

  resume(): void {
    this.#client.resume();
  }

  end(): void {
    this.#answers.failAll();
    this.#client.end();
  }

  destroy(): void {
    this.#client.destroy();
  }
}
