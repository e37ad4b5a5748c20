/**
 * Divides a shard's thread among connections by what their requests cost. A connection has a quantum of time for the
 * frames of one message; the rest waits in its lane. When there is more work than fits into a turn, only connections with
 * cheap requests are served at once. Connections that are gone are cleaned up in between.
 */
import { Fifo } from "../collections/fifo.js";
import { Accounts } from "./accounts.js";
import { type Decode, Lanes } from "./lanes.js";

/**
 * Milliseconds: the quantum of a connection; the time that a drain of the inbox takes until it counts as crowded; the
 * time of a turn for lanes and for connections that are gone.
 */
const QUANTUM = 2;
const CROWDED_AFTER = 4;
const LANES_WITHIN = 4;

/** Cheap commands between two checks of the clock. */
const LOOK_EVERY = 4;

export interface Work {
  /** Milliseconds that never step back. */
  readonly clock: () => number;
  /** Carries out whole frames until `stop` is called or a command needs another step. Returns how far it came. */
  readonly decode: Decode;
  stop(): void;
  /** Refuses frames that do not fit into a lane. */
  refuse(connection: number, bytes: Uint8Array, view: DataView, start: number, end: number): void;
  /** Ends what a connection has in the shard, or a step of that. False: there is more to end. */
  disconnect(connection: number): boolean;
  /** Called before each turn of a lane: time has passed. */
  next(): void;
}

export class Turns {
  readonly #work: Work;
  readonly #clock: () => number;
  readonly #lanes = new Lanes();
  readonly #accounts = new Accounts();
  /** Connections that are gone with requests still in a lane, which are carried out. */
  readonly #ending = new Set<number>();
  /** Connections that are gone and still have something in the shard. */
  readonly #leaving = new Fifo<number>();
  /** The connection whose lane was served last. */
  #served = 0;
  /** Milliseconds of this drain; when the quantum of the served connection ends; when that of its lane does; commands. */
  #spent = 0;
  #until = 0;
  #quantumEnd = 0;
  #commands = 0;
  /** Milliseconds of the present quantum that are not charged to the connection. */
  #excused = 0;

  constructor(work: Work) {
    this.#work = work;
    this.#clock = work.clock;
  }

  /** Nothing is waiting. */
  get isIdle(): boolean {
    return this.#lanes.isEmpty && this.#leaving.length === 0;
  }

  /** A drain of the inbox begins. */
  begin(): void {
    this.#spent = 0;
  }

  /** Carries out what a connection has sent, or puts it into its lane. */
  take(connection: number, bytes: Uint8Array, view: DataView, start: number, end: number): void {
    const waits = this.#lanes.has(connection) || (this.#isCrowded && !this.#accounts.isCheap(connection));
    const at = waits ? start : this.#serve(connection, bytes, view, start, end);
    if (at < end && !this.#lanes.push(connection, bytes, at, end)) this.#work.refuse(connection, bytes, view, at, end);
  }

  /** A connection is gone. Its earlier requests are still carried out. */
  leave(connection: number): void {
    if (this.#lanes.has(connection)) this.#ending.add(connection);
    else this.#end(connection);
  }

  /** A command was carried out. `isDear`: it may have taken long by itself. */
  done(isDear: boolean): void {
    this.#commands++;
    if (!isDear && this.#commands % LOOK_EVERY !== 0) return;
    if (this.#clock() > this.#until) this.#work.stop();
  }

  /** Does not charge these milliseconds to the connection: they went into a commit or the answers of others. */
  excuse(milliseconds: number): void {
    this.#excused += milliseconds;
    this.#until += milliseconds;
  }

  /** Serves what is waiting, for a bounded time. */
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

  /** Carries out frames of a connection for a quantum. Returns how far it came. */
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

  /** Ends what a connection has in the shard, or a step of that. True: there is more to end. */
  #clear(connection: number): boolean {
    if (this.#work.disconnect(connection)) return false;
    this.#leaving.push(connection);
    return true;
  }
}
