/**
 * The last head of a connection and what was found for it: the shard it leads to, or the rights of a user to its topic. Clients send run after run to the same topic: comparing a head
 * with the one before costs a few nanoseconds, finding and hashing its name some hundred.
 */

/** A longer head (a topic's configuration, perhaps) is looked at each time. */
const MAX_BYTES = 320;

export class HeadCache {
  /** Made when a second head comes: many connections send no more than one. */
  #view: DataView | undefined;
  #hasSeenOne = false;
  #length = -1;
  #found = 0;

  /** What was found for the head in [start, end) if it is the same as the last, else -1. */
  recall(view: DataView, start: number, end: number): number {
    const length = end - start;
    const known = this.#view;
    if (length !== this.#length || known === undefined) return -1;
    const words = length & ~3;
    let i = 0;
    for (; i < words; i += 4) if (view.getUint32(start + i) !== known.getUint32(i)) return -1;
    for (; i < length; i++) if (view.getUint8(start + i) !== known.getUint8(i)) return -1;
    return this.#found;
  }

  remember(view: DataView, start: number, end: number, found: number): void {
    const length = end - start;
    if (length > MAX_BYTES) return;
    if (!this.#hasSeenOne) {
      this.#hasSeenOne = true;
      return;
    }
    this.#view ??= new DataView(new ArrayBuffer(MAX_BYTES));
    for (let i = 0; i < length; i++) this.#view.setUint8(i, view.getUint8(start + i));
    this.#length = length;
    this.#found = found;
  }
}
