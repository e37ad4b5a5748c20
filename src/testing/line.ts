/**
 * A connection in memory, both of its ends. Whatever either side sends waits until the lines are run, so that nobody is
 * called from within a call of theirs, as with sockets.
 */
import type { Transport as ClientTransport, TransportEvents } from "../client/connection/transport.js";
import type { NativeConnection } from "../main/native/connection.js";
import type { Transport } from "../main/native/transport.js";

/** Has the lines run soon. */
export type Wake = () => void;

/** Why a connection has ended that nobody has ended. */
const lost = (): Error => Object.assign(new Error("the connection was lost"), { code: "ECONNRESET" });

export class Line implements Transport {
  readonly framed = true;
  readonly canPause = true;
  readonly protocol = "memory";
  readonly address = "a test";
  /** The broker's end. Set once, before anything is sent. */
  connection: NativeConnection | undefined;
  readonly #events: TransportEvents;
  readonly #wake: Wake;
  #toBroker: Uint8Array[] = [];
  #toClient: Uint8Array[] = [];
  #unread = 0;
  #isPaused = false;
  /** The client sends no more, or the broker: the other end hears of it when it has what was sent before. */
  #isClientDone = false;
  #isBrokerDone = false;
  #error: Error | undefined;
  #isOver = false;

  constructor(events: TransportEvents, wake: Wake) {
    this.#events = events;
    this.#wake = wake;
  }

  /** Both ends know that it has ended. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** The client's end. */
  readonly client: ClientTransport = {
    send: (bytes) => {
      if (!this.#isClientDone) this.#toBroker.push(new Uint8Array(bytes));
      this.#wake();
      return true;
    },
    end: () => {
      this.#isClientDone = true;
      this.#wake();
    },
    destroy: () => {
      this.#toBroker = [];
      this.#toClient = [];
      this.#isClientDone = true;
      this.#wake();
    },
  };

  // The broker's end.

  write(bytes: Uint8Array): boolean {
    // Not `slice`: that of a Buffer is not a copy.
    this.#toClient.push(new Uint8Array(bytes));
    this.#unread += bytes.length;
    return true;
  }

  bufferedBytes(): number {
    return this.#unread;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
  }

  end(): void {
    this.#isBrokerDone = true;
  }

  destroy(): void {
    this.cut();
  }

  /** Ends it as a network does that is lost: what is under way in either direction is gone. */
  cut(): void {
    this.#toBroker = [];
    this.#toClient = [];
    this.#error ??= lost();
    this.#isBrokerDone = true;
    this.#wake();
  }

  /** Gives the broker what the client has sent. False: there was nothing. */
  runToBroker(): boolean {
    let hasRun = false;
    while (!this.#isPaused && !this.#isBrokerDone) {
      const bytes = this.#toBroker.shift();
      if (bytes === undefined) break;
      this.connection?.receive(bytes, new DataView(bytes.buffer), 0, bytes.length);
      hasRun = true;
    }
    const isHeard = this.#toBroker.length === 0 || this.#isBrokerDone;
    if (!this.#isOver && (this.#isBrokerDone || (this.#isClientDone && isHeard))) {
      this.#isOver = true;
      this.connection?.closed();
      return true;
    }
    return hasRun;
  }

  /** Gives the client what the broker has sent. False: there was nothing. */
  runToClient(): boolean {
    const sent = this.#toClient;
    this.#toClient = [];
    for (const bytes of sent) {
      this.#unread -= bytes.length;
      this.#events.received(bytes);
    }
    if (sent.length > 0 && !this.#isOver) this.connection?.drained();
    return sent.length > 0;
  }

  /** Tells the client that it has ended; once, when it is over and everything was given to it. */
  finish(): void {
    this.#events.ended(this.#error);
  }
}
