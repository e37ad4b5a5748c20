/** Requests of one turn of the event loop: gathered for all sessions, so that they travel to the shards together. */
import type { ErrorName } from "../../protocol/errors.js";
import { FrameWriter } from "../../protocol/frame.js";
import type { Log } from "../log.js";
import { contain } from "./error-boundary.js";

/** A session as seen from here. */
export interface TurnTaker {
  readonly peer: string;
  /** The last turn in which it had requests, and their bytes. */
  turn: number;
  gathered: number;
  /** Sends whole frames, which are good until this returns. */
  send(bytes: Uint8Array, view: DataView, start: number, end: number): void;
  /** `send` has thrown. */
  failSent(view: DataView, start: number, end: number): void;
  /** Answers a request that was not gathered. */
  answerError(request: number, refusal: Refusal): void;
}

/** Why a request is not sent. */
export interface Refusal {
  readonly kind: ErrorName;
  readonly text: string;
}

interface RefusedRequest {
  readonly session: TurnTaker;
  readonly request: number;
  readonly refusal: Refusal;
}

/** A buffer that has grown beyond this is not kept. Clients that send ahead fill more than a mebibyte in a turn. */
const KEPT_BYTES = 4 * 1024 * 1024;

/**
 * From so many on what is gathered is sent as soon as the socket that is being read has been, not at the end of the turn: a
 * turn reads all sockets, which may be thousands with much to say.
 */
const MUCH_BYTES = KEPT_BYTES / 2;

/** One is filled while the other is sent. */
const KEPT_WRITERS = 2;

export class SessionTurns {
  readonly #log: Log;
  readonly #free: FrameWriter[] = [];
  #gathering = new FrameWriter();
  /** The owners of the requests and where their parts end, in order of arrival. */
  #senders: TurnTaker[] = [];
  #ends: number[] = [];
  #refused: RefusedRequest[] = [];
  #lastWork: (() => void)[] = [];
  #isScheduled = false;
  #isMuch = false;
  #turn = 1;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Bytes of a session's requests in this turn. */
  gatheredBy(session: TurnTaker): number {
    return session.turn === this.#turn ? session.gathered : 0;
  }

  /** Adds a request to those of this turn; `head` and `payload` are the caller's again when this returns. */
  gather(
    session: TurnTaker,
    op: number,
    flags: number,
    request: number,
    head: Uint8Array,
    payload: Uint8Array | undefined,
  ): void {
    this.#schedule();
    const writer = this.#gathering;
    const start = writer.end;
    writer.open(op, flags, request, head);
    if (payload !== undefined) writer.append(payload);
    writer.close();
    session.gathered = this.gatheredBy(session) + writer.end - start;
    session.turn = this.#turn;
    const last = this.#senders.length - 1;
    if (this.#senders[last] === session) {
      this.#ends[last] = writer.end;
    } else {
      this.#senders.push(session);
      this.#ends.push(writer.end);
    }
    if (writer.end < MUCH_BYTES || this.#isMuch) return;
    this.#isMuch = true;
    process.nextTick(this.#onMuch);
  }

  /** Calls back at the end of this turn, before what it has gathered is sent: for who gathers requests into one. */
  beforeEnd(work: () => void): void {
    this.#schedule();
    this.#lastWork.push(work);
  }

  /** Answers a request with an error when the turn ends. */
  refuse(session: TurnTaker, request: number, refusal: Refusal): void {
    this.#schedule();
    this.#refused.push({ session, request, refusal });
  }

  /** Sends what is gathered, now: in front of the end of a session, whose last requests count. */
  flush(): void {
    if (this.#senders.length === 0) return;
    const writer = this.#gathering;
    const senders = this.#senders;
    const ends = this.#ends;
    this.#gathering = this.#free.pop() ?? new FrameWriter();
    this.#senders = [];
    this.#ends = [];
    this.#turn++;
    let start = 0;
    for (const [i, session] of senders.entries()) {
      const from = start;
      const end = ends[i] ?? from;
      try {
        session.send(writer.bytes, writer.view, from, end);
      } catch (error) {
        contain(this.#log, `the session of ${session.peer}`, error, () => session.failSent(writer.view, from, end));
      }
      start = end;
    }
    if (writer.bytes.length > KEPT_BYTES || this.#free.length >= KEPT_WRITERS) return;
    writer.clear();
    this.#free.push(writer);
  }

  /** Once a turn, after the sockets that are ready have been read. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#onTurn);
  }

  #run(work: (() => void) | undefined): void {
    try {
      work?.();
    } catch (error) {
      this.#log.error({ error }, "a front end failed at the end of a turn");
    }
  }

  readonly #onMuch = (): void => {
    this.#isMuch = false;
    this.flush();
  };

  readonly #onTurn = (): void => {
    // What the work below gathers belongs to this turn.
    for (let i = 0; i < this.#lastWork.length; i++) this.#run(this.#lastWork[i]);
    this.#lastWork = [];
    this.#isScheduled = false;
    this.flush();
    const refused = this.#refused;
    this.#refused = [];
    for (const { session, request, refusal } of refused) session.answerError(request, refusal);
  };
}
