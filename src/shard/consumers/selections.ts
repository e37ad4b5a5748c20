/**
 * Walks the messages that a request selects: each selection block by block, each block fragment by fragment. Messages
 * that no fragment accounts for become faults. A walk may be made in parts.
 */
import type { ErrorName } from "../../protocol/errors.js";
import { COUNT, DELIVERY, FIRST_ID_HIGH, FIRST_ID_LOW, SELECTION_BYTES } from "../../protocol/selection.js";
import type { Fault } from "../effects.js";
import * as ext from "../messages/extent.js";
import type { Queue } from "../messages/queue.js";
import type { Store } from "../messages/store.js";

/** What a request does with the fragments it selects. */
export interface Disposition {
  /** Whether a request that names `delivery` (0: none) may settle the fragment. */
  accepts(fragment: number, delivery: number): boolean;
  /** Settles the messages in `mask` of a fragment, which may be gone afterwards. */
  settle(queue: Queue, fragment: number, mask: number): void;
  /** The error for messages of a fragment that is not accepted; undefined: UNKNOWN_MESSAGE. */
  refusal(fragment: number): ErrorName | undefined;
}

/** A fault that may still be extended. */
export type OpenFault = { -readonly [K in keyof Fault]: Fault[K] };

/** Adds a fault, or extends the last one if it goes on. */
export const addFault = (faults: OpenFault[], idHigh: number, idLow: number, count: number, kind: ErrorName): void => {
  const last = faults.at(-1);
  if (last?.kind === kind && last.idHigh === idHigh && last.idLow + last.count === idLow) last.count += count;
  else faults.push({ idHigh, idLow, count, kind });
};

/** The price of a block in looks, beside one for each queue in which it is looked up. */
const BLOCK_LOOKS = 16;

export class Selections {
  /** Messages settled since the walk began. */
  settled = 0;
  faults: OpenFault[] = [];

  constructor(readonly store: Store) {}

  begin(): void {
    this.settled = 0;
    this.faults = [];
  }

  /** The end of a part that begins at `start` and costs about `looks`: it has at least one whole selection. */
  partEnd(view: DataView, start: number, end: number, queues: number, looks: number): number {
    let at = start;
    let cost = 0;
    while (at < end && cost < looks) {
      // A selection of n ids touches at most so many blocks.
      cost += (Math.ceil(view.getUint32(at + COUNT) / ext.BLOCK) + 1) * (queues + BLOCK_LOOKS);
      at += SELECTION_BYTES;
    }
    return at;
  }

  /** Settles what is selected in any of `queues`; a message is a fault when none of them settles it. */
  walk(queues: readonly Queue[], view: DataView, start: number, end: number, disposition: Disposition): void {
    for (let at = start; at < end; at += SELECTION_BYTES) {
      const idHigh = view.getUint32(at + FIRST_ID_HIGH);
      const idLow = view.getUint32(at + FIRST_ID_LOW);
      const count = view.getUint32(at + COUNT);
      const delivery = view.getUint32(at + DELIVERY);
      for (let i = 0; i < count; ) {
        const from = (idLow + i) & 31;
        const n = Math.min(count - i, ext.BLOCK - from);
        this.#block(queues, idHigh, (idLow + i) >>> 0, ext.bits(from, n), delivery, disposition);
        i += n;
      }
    }
  }

  #block(
    queues: readonly Queue[],
    idHigh: number,
    idLow: number,
    wanted: number,
    delivery: number,
    disposition: Disposition,
  ): void {
    const { index, extents } = this.store;
    let missing = wanted;
    for (const queue of queues) {
      let fragment = index.first(queue.number, idHigh, idLow);
      while (fragment !== ext.NONE) {
        // Read before settling, which may free the fragment; new ones are added in front of the chain only.
        const next = index.next(fragment);
        const hit = extents.get(fragment, ext.MASK) & wanted;
        if (hit !== 0 && disposition.accepts(fragment, delivery)) {
          missing &= ~hit;
          this.settled += ext.popcount(hit);
          disposition.settle(queue, fragment, hit);
        }
        fragment = next;
      }
    }
    if (missing !== 0) this.#refuse(queues, idHigh, idLow, missing, disposition);
  }

  /** Afterwards, because what is settled may have cut other fragments of the block. */
  #refuse(queues: readonly Queue[], idHigh: number, idLow: number, missing: number, disposition: Disposition): void {
    const { index, extents } = this.store;
    let refused = 0;
    let kind: ErrorName = "UNKNOWN_MESSAGE";
    for (const queue of queues) {
      let fragment = index.first(queue.number, idHigh, idLow);
      for (; fragment !== ext.NONE; fragment = index.next(fragment)) {
        const hit = extents.get(fragment, ext.MASK) & missing;
        const why = hit === 0 ? undefined : disposition.refusal(fragment);
        if (why === undefined) continue;
        refused |= hit;
        kind = why;
      }
    }
    this.#addFaults(idHigh, idLow & ~31, missing, refused, kind);
  }

  #addFaults(idHigh: number, block: number, missing: number, refused: number, kind: ErrorName): void {
    // The common case: the whole block is unknown.
    if (missing === -1 && (missing & refused) === 0)
      return addFault(this.faults, idHigh, block >>> 0, ext.BLOCK, "UNKNOWN_MESSAGE");
    for (let bit = 0; bit < ext.BLOCK; bit++) {
      if (((missing >>> bit) & 1) === 0) continue;
      const why = ((refused >>> bit) & 1) === 1 ? kind : "UNKNOWN_MESSAGE";
      addFault(this.faults, idHigh, (block + bit) >>> 0, 1, why);
    }
  }
}
