/**
 * A socket between its client and the codec of a front end: hands over what is read a command at a time and no faster than
 * the session takes it, writes, and tells the session of the end of input and of the end. All front ends have this in common.
 */
import type { Socket } from "node:net";
import type { Access } from "../access/access.js";
import type { Credential } from "../access/user.js";
import type { Log } from "../log.js";
import type { AssemblyMemory } from "../native/assembly.js";
import { contain, guard } from "../native/error-boundary.js";
import type { OutputPool } from "../native/output-pool.js";
import type { Session } from "../native/session.js";
import type { SessionClient } from "../native/session-client.js";
import type { SessionHost } from "../native/sessions.js";
import type { Client, Codec, FrontEnd, Protocol } from "./front-end.js";
import { GatheredOutput } from "./gathered-output.js";
import { HeldInput } from "./held-input.js";
import { awaitIntroduction } from "./introduction.js";
import { originOf } from "./origin.js";
import type { Reading } from "./read-buffer.js";
import { lingeringEnd } from "./tcp-transport.js";

/** What is held while many requests are unanswered; with more the socket is not read until some are. */
const MAX_AHEAD = 64 * 1024;

/**
 * What is held behind a pop that waits. A socket that is not read does not tell that its client has gone, and the pop would
 * take a message for it, so with more the connection is closed.
 */
const MAX_BEHIND_POP = 256 * 1024;

const NOTHING = new Uint8Array(0);

/** Milliseconds for a client that has closed to refuse a message. */
const REFUSAL_TIME = 25;

/** Beside a largest message a command has room for names, and for what its protocol writes around them. */
const COMMAND_SLACK_BYTES = 64 * 1024;

/** Commands of one client that are carried out before others have their turn: a read may bring many thousands of a few bytes. */
const MAX_COMMANDS = 256;

/** What sockets of front ends need of the broker. */
export interface FrontEndContext {
  readonly host: SessionHost;
  readonly memory: AssemblyMemory;
  readonly pool: OutputPool;
  readonly maxMessageBytes: number;
  readonly maxInFlight: number;
  readonly access: Access;
  /** Name of the user that clients are that show no token, and whose certificate does not say so. Undefined: nobody. */
  readonly identity: string | undefined;
  readonly log: Log;
}

/** The protocol of a front end on the TCP port. */
export const protocolOf = (frontEnd: FrontEnd, context: FrontEndContext): Protocol => ({
  name: frontEnd.name,
  recognizes: (bytes) => frontEnd.recognizes(bytes),
  accept: (socket, reading, first) => {
    const { access } = context;
    if (!access.isOn) return void new FrontEndSocket(frontEnd, context, undefined, socket, reading, first);
    awaitIntroduction(frontEnd, socket, reading, first, context.log, (token, rest) => {
      const credential = token === undefined ? whoIs(socket, context) : access.identify({ token });
      if (credential === undefined) return turnAway(frontEnd, context, socket, reading);
      const { user } = credential;
      if (!user.enter()) return refuse(frontEnd, socket, TOO_MANY);
      socket.once("close", () => user.leave());
      if (token !== undefined && frontEnd.welcome !== undefined) socket.write(frontEnd.welcome);
      new FrontEndSocket(frontEnd, context, credential, socket, reading, rest);
    });
  },
});

/** It tells nothing of what there is. */
const UNKNOWN = "this broker asks who its clients are: it needs a token or a certificate that is good";
const TOO_MANY = "the user has as many connections as it may";

const whoIs = (socket: Socket, { access, identity }: FrontEndContext): Credential | undefined => {
  const { names } = originOf(socket);
  return access.identify({ names }) ?? (identity === undefined ? undefined : access.named(identity));
};

const turnAway = (frontEnd: FrontEnd, { access }: FrontEndContext, socket: Socket, reading: Reading): void => {
  reading.onRead = ignore;
  const delay = access.refused(originOf(socket).address, frontEnd.name);
  if (delay === 0) return refuse(frontEnd, socket, UNKNOWN);
  socket.pause();
  setTimeout(() => refuse(frontEnd, socket, UNKNOWN), delay).unref();
};

const refuse = (frontEnd: FrontEnd, socket: Socket, text: string): void => {
  const bytes = frontEnd.refusal?.(text);
  lingeringEnd(socket, bytes && Buffer.from(bytes));
};

/** Of a client that has gone there is nothing left to close. */
const ignore = (): void => {};

/** Until the front end has made its own, which may fail. */
const NO_CODEC: Codec = { take: (_bytes, start) => start };

class FrontEndSocket implements SessionClient, Client {
  readonly canPause = true;
  readonly #socket: Socket;
  readonly #context: FrontEndContext;
  readonly #input: HeldInput;
  readonly #output: GatheredOutput;
  readonly #session: Session;
  #codec: Codec = NO_CODEC;
  readonly #what: string;
  /** Not read because the session wants it so; because it holds too much that may not be carried out yet. */
  #isPaused = false;
  #isStuffed = false;
  #isReading = true;
  #isTaking = false;
  /** Others have their turn first. */
  #isYielding = false;
  /** Nothing more comes. */
  #hasEnded = false;

  constructor(
    frontEnd: FrontEnd,
    context: FrontEndContext,
    credential: Credential | undefined,
    socket: Socket,
    reading: Reading,
    first: Buffer,
  ) {
    const { host, memory, pool, log, maxInFlight } = context;
    this.#socket = socket;
    this.#context = context;
    this.#input = new HeldInput(memory, (text) => this.#fail(text));
    // A codec may write much that no shard has answered.
    this.#output = new GatheredOutput(socket, pool, () => this.#contained(() => this.#session.unsent()));
    const address = `${socket.remoteAddress}:${socket.remotePort}`;
    const identity = { protocol: frontEnd.name, address, credential };
    this.#what = `the connection of ${frontEnd.name} ${address}`;
    this.#session = host.openSession({ identity, inOrder: true, maxInFlight }, this);
    // A client that has ended its side may still wait for answers.
    socket.allowHalfOpen = true;
    socket.on("drain", () => this.#contained(() => this.#session.drained()));
    socket.on("end", () => this.#contained(() => this.#ended()));
    socket.on("close", (isBroken) => {
      this.#input.release();
      this.#output.release();
      guard(log, this.#what, () => this.#session.closed(isBroken), ignore);
      guard(log, this.#what, () => this.#codec.closed?.(), ignore);
    });
    this.#codec = frontEnd.open(this.#session, this);
    reading.onRead = (bytes, _view, length) => this.#contained(() => this.#read(bytes, length));
    reading.onRead(first, new DataView(first.buffer, first.byteOffset, first.length), first.length);
  }

  // Client: what the codec does with it.

  write(bytes: string | Uint8Array, start?: number, end?: number): void {
    this.#output.write(bytes, start, end);
  }

  // SessionClient: what the session does with it.

  unsentBytes(): number {
    // What is still gathered has not been offered to the system, which nearly always takes all of it.
    return this.#socket.writableLength;
  }

  pause(): void {
    this.#isPaused = true;
    this.#updateReading();
  }

  resume(): void {
    this.#isPaused = false;
    this.#updateReading();
  }

  proceed(): void {
    if (this.#input.length > 0 || this.#hasEnded) this.#contained(() => this.#goOn());
  }

  end(): void {
    const socket = this.#socket;
    if (!this.#session.isDoubtful) {
      this.#output.flush();
      return lingeringEnd(socket);
    }
    // One that has closed refuses what it is sent: every later write fails, also one of nothing.
    this.#output.flush();
    setTimeout(() => {
      if (socket.writable) socket.write(NOTHING);
      lingeringEnd(socket);
    }, REFUSAL_TIME).unref();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  sweep(now: number): void {
    this.#input.sweep(now, !this.#isReading || this.#session.isBlocked);
  }

  #contained(work: () => void): void {
    try {
      work();
    } catch (error) {
      contain(this.#context.log, this.#what, error, () => this.#socket.destroy());
    }
  }

  #read(bytes: Buffer, length: number): void {
    // What comes behind the last command is read, to see the end, and dropped.
    if (!this.#session.isOpen || this.#session.isDone) return;
    this.#session.heard();
    const isHeld = this.#input.length > 0;
    let start = isHeld ? 0 : this.#take(bytes, 0, length);
    while (start < length && this.#session.isOpen && !this.#session.isDone) {
      if (this.#input.append(bytes, start, length)) break;
      if (isHeld || !this.#isYielding) {
        return this.#fail("the broker has no memory for so long a command at the moment");
      }
      // What would only have waited for its turn goes on without one.
      this.#isYielding = false;
      start = this.#take(bytes, start, length);
    }
    if (isHeld) this.#goOn();
    else this.#lookBack();
  }

  /** Carries out what is held, as far as it may be now. */
  #goOn(): void {
    const input = this.#input;
    if (this.#isTaking || !this.#session.isOpen) return;
    if (input.length > 0 && !this.#isYielding) input.consume(this.#take(input.bytes, input.start, input.end));
    this.#lookBack();
  }

  /** Looks at what is left when all that may be carried out has been. */
  #lookBack(): void {
    const input = this.#input;
    if (!this.#session.isOpen) return;
    const { isWaiting } = this.#session;
    const isBlocked = this.#session.isBlocked || this.#isYielding;
    if (this.#session.isDone) input.release();
    if (!isBlocked && input.length > this.#context.maxMessageBytes + COMMAND_SLACK_BYTES) {
      return this.#fail("a command is longer than any that the broker takes");
    }
    if (isWaiting && input.length > MAX_BEHIND_POP) {
      return this.#fail(`more than ${MAX_BEHIND_POP} bytes came behind a pop that waits`);
    }
    this.#isStuffed = isBlocked && !isWaiting && input.length >= MAX_AHEAD;
    this.#updateReading();
    if (this.#hasEnded && !isBlocked) this.#session.end();
  }

  /** Hands commands to the codec one by one; answers how far it came. */
  #take(bytes: Buffer, start: number, end: number): number {
    let at = start;
    let commands = 0;
    this.#isTaking = true;
    try {
      while (at < end && this.#session.isOpen && !this.#session.isBlocked && !this.#session.isDone) {
        if (commands++ === MAX_COMMANDS) {
          this.#yield();
          break;
        }
        const next = this.#codec.take(bytes, at, end);
        if (next === at) break;
        at = next;
      }
    } finally {
      this.#isTaking = false;
    }
    return at;
  }

  /** Goes on in the next turn. */
  #yield(): void {
    this.#isYielding = true;
    setImmediate(() => {
      this.#isYielding = false;
      this.#contained(() => this.#goOn());
    });
  }

  #ended(): void {
    this.#hasEnded = true;
    this.#session.hurry();
    this.#goOn();
  }

  #updateReading(): void {
    const shouldRead = !this.#isPaused && !this.#isStuffed;
    if (shouldRead === this.#isReading) return;
    this.#isReading = shouldRead;
    if (shouldRead) this.#socket.resume();
    else this.#socket.pause();
  }

  #fail(text: string): void {
    this.#context.log.warn({ peer: this.#session.peer }, `a connection is closed: ${text}`);
    this.#socket.destroy();
  }
}
