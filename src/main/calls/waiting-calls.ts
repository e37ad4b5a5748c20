/**
 * The calls to a channel that wait because its responders have all they take. Their requesters take turns, a call each, so
 * that one that floods the channel keeps nobody else from being served, and each has a share of the room.
 */

/** A call as far as its waiting goes. */
export interface WaitingCall<C> {
  /** Calls of the same requester wait in line. */
  readonly requester: object;
  /** Its message. */
  readonly entry: Uint8Array | undefined;
  /** Its neighbours in the line. */
  before: C | undefined;
  after: C | undefined;
}

/** Of a channel; a single call may be larger. */
export const MAX_WAITING = 8_192;
export const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/** One requester's part of that: four that flood leave the others nothing to wait in, but a channel is overloaded then. */
const SHARE = 1 / 4;

/** What waits of one requester, the oldest first. */
interface Line<C> {
  first: C | undefined;
  last: C | undefined;
  count: number;
  bytes: number;
}

const sizeOf = ({ entry }: WaitingCall<unknown>): number => entry?.length ?? 0;

export class WaitingCalls<C extends WaitingCall<C>> {
  /** In the order of their turns. */
  readonly #lines = new Map<object, Line<C>>();
  #count = 0;
  #bytes = 0;

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether a call of so many bytes may wait. */
  hasRoomFor(requester: object, bytes: number): boolean {
    if (this.#count === 0) return true;
    if (this.#count >= MAX_WAITING || this.#bytes + bytes > MAX_WAITING_BYTES) return false;
    const line = this.#lines.get(requester);
    return line === undefined || (line.count < MAX_WAITING * SHARE && line.bytes + bytes <= MAX_WAITING_BYTES * SHARE);
  }

  /** The call has its `entry`. */
  add(call: C): void {
    let line = this.#lines.get(call.requester);
    if (line === undefined) {
      line = { first: undefined, last: undefined, count: 0, bytes: 0 };
      this.#lines.set(call.requester, line);
    }
    call.before = line.last;
    if (line.last === undefined) line.first = call;
    else line.last.after = call;
    line.last = call;
    this.#count++;
    line.count++;
    this.#bytes += sizeOf(call);
    line.bytes += sizeOf(call);
  }

  /** Takes out the oldest call of the requester whose turn it is; undefined: none waits. */
  take(): C | undefined {
    for (const [requester, line] of this.#lines) {
      const call = line.first;
      if (call === undefined) throw new Error("a requester without a waiting call has a turn");
      // Its next turn comes after those of the others.
      this.#lines.delete(requester);
      if (line.count > 1) this.#lines.set(requester, line);
      this.#unlink(call, line);
      return call;
    }
    return undefined;
  }

  /** Takes out a call that waits. */
  remove(call: C): void {
    const line = this.#lines.get(call.requester);
    if (line === undefined) throw new Error("the call does not wait");
    this.#unlink(call, line);
    if (line.count === 0) this.#lines.delete(call.requester);
  }

  #unlink(call: C, line: Line<C>): void {
    const { before, after } = call;
    if (before === undefined) line.first = after;
    else before.after = after;
    if (after === undefined) line.last = before;
    else after.before = before;
    call.before = undefined;
    call.after = undefined;
    this.#count--;
    line.count--;
    this.#bytes -= sizeOf(call);
    line.bytes -= sizeOf(call);
  }
}
