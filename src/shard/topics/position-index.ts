/**
 * Finds messages of a kept channel by position and by time: some of its extents, in their order, from which the rest is a
 * short walk. Extents go at the front alone, and keep their number when their bytes are moved.
 */
import { idTime } from "../../protocol/id.js";
import * as ext from "../messages/extent.js";

/** Extents of which one is noted. */
const EVERY = 64;

/** Notes of extents that are gone are dropped when there are so many, and half of all are. */
const MIN_DROP = 64;

export class PositionIndex {
  #positions: number[] = [];
  #times: number[] = [];
  #extents: number[] = [];
  #from = 0;
  #count = 0;

  constructor(readonly table: ext.ExtentTable) {}

  /** The position of the first message of an extent: its `times` say by how much positions differ from low words of ids. */
  positionOf(extent: number): number {
    return (this.table.times[extent] as number) + this.table.idLow(extent);
  }

  /** Extents that are noted. */
  get size(): number {
    return this.#extents.length;
  }

  /** An extent is appended. `head`: the first one. */
  add(extent: number, head: number): void {
    if (this.#count++ % EVERY !== 0) return;
    // Here, since it may be that nobody ever looks for anything.
    this.#skip(this.positionOf(head));
    this.#positions.push(this.positionOf(extent));
    this.#times.push(idTime(this.table.idHigh(extent), this.table.idLow(extent)));
    this.#extents.push(extent);
  }

  /** The extent with a position, or the first behind it; NONE: there is none. `head`: the first extent. */
  find(position: number, head: number): number {
    const { table } = this;
    let extent = this.#before(this.#positions, position, head);
    while (extent !== ext.NONE && this.positionOf(extent) + table.get(extent, ext.SPAN) <= position) {
      extent = table.get(extent, ext.NEXT);
    }
    return extent;
  }

  /** The first extent whose messages were published at `time` (milliseconds since 1970) or later; NONE: there is none. */
  findTime(time: number, head: number): number {
    const { table } = this;
    // Those of one millisecond may begin before the last extent that is noted with it.
    let extent = this.#before(this.#times, time - 1, head);
    while (extent !== ext.NONE && idTime(table.idHigh(extent), table.idLow(extent)) < time) {
      extent = table.get(extent, ext.NEXT);
    }
    return extent;
  }

  /** The last noted extent whose key is not above this, or the head. */
  #before(keys: readonly number[], key: number, head: number): number {
    if (head === ext.NONE) return head;
    this.#skip(this.positionOf(head));
    let low = this.#from;
    let high = this.#extents.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((keys[middle] as number) <= key) low = middle + 1;
      else high = middle;
    }
    return low > this.#from ? (this.#extents[low - 1] as number) : head;
  }

  /** Skips what is before the first position that there is. */
  #skip(first: number): void {
    while (this.#from < this.#positions.length && (this.#positions[this.#from] as number) < first) this.#from++;
    if (this.#from < MIN_DROP || this.#from * 2 < this.#positions.length) return;
    this.#positions = this.#positions.slice(this.#from);
    this.#times = this.#times.slice(this.#from);
    this.#extents = this.#extents.slice(this.#from);
    this.#from = 0;
  }
}
