/**
 * Whose turn it is: connections share a shard's thread by what their requests cost. One has a quantum for what it sends at
 * once; what is left waits in its lane. Where there is more to do than fits into a turn only those are served at once whose
 * requests are known to be cheap. What connections that are gone leave behind is cleared away in between.
 */
import { Fifo } from "../collections/fifo.js";
import { Accounts } from "./accounts.js";
import { type Decode, Lanes } from "./lanes.js";

/**
 * Milliseconds: what a connection has at once; what all have of a drain before it is crowded; what lanes and connections
 * that are gone have of a turn.
 */
const QUANTUM = 2;
const CROWDED_AFTER = 4;
const LANES_WITHIN = 4;

/** Cheap commands between two looks at the clock. */
const LOOK_EVERY = 4;

export interface Work {
  /** Milliseconds that never step back. */
  readonly clock: () => number;
  /** Carries out whole frames until it is told to `stop`, or to come again; answers how far it came. */
  readonly decode: Decode;
  stop(): void;
  /** There is no room to keep these frames. */
  refuse(connection: number, bytes: Uint8Array, view: DataView, start: number, end: number): void;
  /** Ends what a connection has in the shard, or a step of that. False: there is more of it. */
  disconnect(connection: number): boolean;
  /** Time has passed: whose turn it is next is about to be served. */
  next(): void;
}

export class Turns {
  readonly #work: Work;
  readonly #clock: () => number;
  readonly #lanes = new Lanes();
  readonly #accounts = new Accounts();
  /** Connections that are gone, of which something waits in a lane: what came before their end counts. */
  readonly #ending = new Set<number>();
  /** Connections that are gone, and still have something in the shard. */
  readonly #leaving = new Fifo<number>();
  /** Whose lane was served last. */
  #served = 0;
  /** Milliseconds of this drain; when the connection that is served has had its quantum; commands since the beginning. */
  #spent = 0;
  #until = 0;
  #quantumEnd = 0;
  #commands = 0;
  /** Milliseconds since the connection that is served began which are not its doing. */
  #excused = 0;

  constructor(work: Work) {
    this.#work = work;
    this.#clock = work.clock;
  }

  /** Nothing waits for its turn. */
  get isIdle(): boolean {
    return this.#lanes.isEmpty && this.#leaving.length === 0;
  }

  /** A drain of the inbox begins. */
  begin(): void {
    this.#spent = 0;
  }

  /** Carries out what a connection sends, or puts it behind what of it waits already. */
  take(connection: number, bytes: Uint8Array, view: DataView, start: number, end: number): void {
    const waits = this.#lanes.has(connection) || (this.#isCrowded && !this.#accounts.isCheap(connection));
    const at = waits ? start : this.#serve(connection, bytes, view, start, end);
    if (at < end && !this.#lanes.push(connection, bytes, at, end)) this.#work.refuse(connection, bytes, view, at, end);
  }

  /** A connection is gone. What it has asked for before is carried out. */
  leave(connection: number): void {
    if (this.#lanes.has(connection)) this.#ending.add(connection);
    else this.#end(connection);
  }

  /** A command is carried out. `isDear`: it may have taken long by itself. */
  done(isDear: boolean): void {
    this.#commands++;
    if (!isDear && this.#commands % LOOK_EVERY !== 0) return;
    if (this.#clock() > this.#until) this.#work.stop();
  }

  /** So many milliseconds went into what is nobody's request: a commit, answers of others. */
  excuse(milliseconds: number): void {
    this.#excused += milliseconds;
    this.#until += milliseconds;
  }

  /** Goes on with what waits, for a bounded time. */
  serve(): void {
    if (this.isIdle) return;
    const until = this.#clock() + LANES_WITHIN;
    let hasMore = true;
    while (hasMore && this.#clock() < until) {
      this.#work.next();
      this.#quantumEnd = this.#clock() + QUANTUM;
      hasMore = this.#lanes.serve(this.#serve, this.#turnOf, this.#hasQuantum);
      if (this.#ending.has(this.#served) && !this.#lanes.has(this.#served)) this.#end(this.#served);
      const connection = this.#leaving.shift();
      if (connection !== undefined) hasMore = this.#clear(connection) || hasMore;
    }
  }

  get #isCrowded(): boolean {
    return !this.isIdle || this.#spent > CROWDED_AFTER;
  }

  /** Carries out frames of a connection for a quantum; answers how far it came. */
  readonly #serve: Decode = (connection, bytes, view, start, end) => {
    this.#served = connection;
    const begin = this.#clock();
    this.#until = begin + QUANTUM;
    this.#excused = 0;
    const at = this.#work.decode(connection, bytes, view, start, end);
    const spent = Math.max(0, this.#clock() - begin - this.#excused);
    this.#spent += spent;
    this.#accounts.note(connection, at - start, spent);
    return at;
  };

  readonly #hasQuantum = (): boolean => this.#clock() < this.#quantumEnd;

  readonly #turnOf = (connection: number): number => this.#accounts.turn(connection);

  #end(connection: number): void {
    this.#ending.delete(connection);
    this.#accounts.drop(connection);
    this.#clear(connection);
  }

  /** True: the rest comes in its turn. */
  #clear(connection: number): boolean {
    if (this.#work.disconnect(connection)) return false;
    this.#leaving.push(connection);
    return true;
  }
}
