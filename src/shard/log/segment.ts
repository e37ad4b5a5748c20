/**
 * A segment as the log knows it: a file of the journal, without the file.
 */
import { idOrder } from "../../protocol/id.js";

export class Segment {
  /** Bytes of its records. */
  used = 0;
  /** Messages of its pages that are still in some queue, once for each; and all that ever were. */
  live = 0;
  total = 0;
  /** The first and the last of the ids that its records publish or keep, by `idOrder`; none: Infinity, -Infinity. */
  firstId = Number.POSITIVE_INFINITY;
  lastId = Number.NEGATIVE_INFINITY;
  /** Of a compacted one: bytes of what it says about messages of segments before, as long as this is the first of them. */
  carriedBytes = 0;
  carriedFor = 0;
  /** It is being compacted: it may not go meanwhile. */
  isHeld = false;
  /** No record is added any more. */
  isSealed = false;
  /** It has the whole directory, and a word of the ids: nothing before it is needed for those. */
  hasDirectory = false;
  /** The log's position when its head had been appended; and bytes of its directory, behind that as well. */
  headEnd = 0;
  directoryBytes = 0;

  constructor(
    readonly sequence: number,
    /** The first of the segments that it stands for. */
    readonly replaces: number,
    /** The log's position where it begins; of one that was read back it says nothing. */
    readonly base: number,
  ) {}

  /** It has messages with these ids. */
  includeIds(high: number, low: number, count: number): void {
    const first = idOrder(high, low);
    this.firstId = Math.min(this.firstId, first);
    this.lastId = Math.max(this.lastId, first + count - 1);
  }
}

/** The segments of a journal in order; the last one is open, unless it is sealed. */
export class Segments {
  readonly #list: Segment[] = [];
  #nextSequence = 1;

  get last(): Segment | undefined {
    return this.#list.at(-1);
  }

  get all(): readonly Segment[] {
    return this.#list;
  }

  /** A new one at the log's position. */
  begin(position: number): Segment {
    const segment = new Segment(this.#nextSequence, this.#nextSequence, position);
    this.#nextSequence++;
    this.#list.push(segment);
    return segment;
  }

  /** One that is read back, behind those there are. */
  adopt(sequence: number, replaces: number): Segment {
    const segment = new Segment(sequence, replaces, 0);
    segment.isSealed = true;
    this.#list.push(segment);
    this.#nextSequence = sequence + 1;
    return segment;
  }

  /**
   * Those of which nobody needs the directory: a later one has its own. One that was torn at its beginning, and cut there
   * by a recovery, has none.
   */
  get superseded(): readonly Segment[] {
    const whole = this.#list.findLastIndex(({ hasDirectory }) => hasDirectory);
    return this.#list.slice(0, Math.max(0, whole));
  }

  /**
   * Those that nothing needs: from the first on, sealed and without a live message. What made their messages dead, and
   * the directory at the head of the next one, must be on disk already.
   */
  get reclaimable(): readonly Segment[] {
    const alive = this.#list.findIndex(({ live, isSealed, isHeld }) => live > 0 || !isSealed || isHeld);
    return alive === -1 ? this.superseded : this.superseded.slice(0, alive);
  }

  /** The file of a segment is gone. */
  forget(segment: Segment): void {
    if (segment.live > 0) throw new Error(`log: segment ${segment.sequence} has live messages`);
    this.#list.splice(this.#list.indexOf(segment), 1);
  }

  /** One that compaction has made takes the place of those that it replaces. */
  replace(sequence: number, replaces: number): Segment {
    const from = this.#list.findIndex((segment) => segment.sequence >= replaces);
    const to = this.#list.findIndex((segment) => segment.sequence > sequence);
    const segment = new Segment(sequence, replaces, 0);
    segment.isSealed = true;
    this.#list.splice(from, to - from, segment);
    return segment;
  }
}
