/**
 * A segment as the log knows it: a file of the journal, without the file.
 */
import { idOrder } from "../../protocol/id.js";

export class Segment {
  /** Bytes of its records. */
  used = 0;
  /** Messages of its pages that are still in a queue, counted once for each queue; and all that ever were. */
  live = 0;
  total = 0;
  /** The first and the last id in its PUBLISH and KEEP records, by `idOrder`; none: Infinity, -Infinity. */
  firstId = Number.POSITIVE_INFINITY;
  lastId = Number.NEGATIVE_INFINITY;
  /** Of a compacted one: bytes about messages of earlier segments, of which `carriedFor` was the first. */
  carriedBytes = 0;
  carriedFor = 0;
  /** It is being compacted and must not be removed meanwhile. */
  isCompacting = false;
  /** No record is added any more. */
  isSealed = false;
  /** It has the whole directory and an IDS record: earlier segments are not needed for those. */
  hasDirectory = false;
  /** The log's position behind its head; and the bytes of its directory, in the head and behind it. */
  headEnd = 0;
  directoryBytes = 0;

  constructor(
    readonly sequence: number,
    /** The first of the segments that it stands for. */
    readonly replaces: number,
    /** The log's position where it begins; 0 if it was read back. */
    readonly base: number,
  ) {}

  /** Notes that it has messages with these ids. */
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

  /** Bytes of the records of all. */
  get bytes(): number {
    let bytes = 0;
    for (const { used } of this.#list) bytes += used;
    return bytes;
  }

  get all(): readonly Segment[] {
    return this.#list;
  }

  /** Begins a segment at the log's position. */
  begin(position: number): Segment {
    const segment = new Segment(this.#nextSequence, this.#nextSequence, position);
    this.#nextSequence++;
    this.#list.push(segment);
    return segment;
  }

  /** Adds a segment that is read back. */
  adopt(sequence: number, replaces: number): Segment {
    const segment = new Segment(sequence, replaces, 0);
    segment.isSealed = true;
    this.#list.push(segment);
    this.#nextSequence = sequence + 1;
    return segment;
  }

  /**
   * Segments whose directory nobody needs, because a later one has the whole directory. (A segment that was torn at its
   * head and cut there by a recovery has none.)
   */
  get superseded(): readonly Segment[] {
    const whole = this.#list.findLastIndex(({ hasDirectory }) => hasDirectory);
    return this.#list.slice(0, Math.max(0, whole));
  }

  /**
   * Segments that nothing needs: from the first on, sealed and without a live message. The records that ended their
   * messages, and the directory of a later segment, must be on disk before they are removed.
   */
  get reclaimable(): readonly Segment[] {
    const alive = this.#list.findIndex(({ live, isSealed, isCompacting }) => live > 0 || !isSealed || isCompacting);
    return alive === -1 ? this.superseded : this.superseded.slice(0, alive);
  }

  /** The file of a segment was removed. */
  forget(segment: Segment): void {
    if (segment.live > 0) throw new Error(`log: segment ${segment.sequence} has live messages`);
    this.#list.splice(this.#list.indexOf(segment), 1);
  }

  /** Puts a compacted segment in the place of those that it replaces. */
  replace(sequence: number, replaces: number): Segment {
    const from = this.#list.findIndex((segment) => segment.sequence >= replaces);
    const to = this.#list.findIndex((segment) => segment.sequence > sequence);
    const segment = new Segment(sequence, replaces, 0);
    segment.isSealed = true;
    this.#list.splice(from, to - from, segment);
    return segment;
  }
}
