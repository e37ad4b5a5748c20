/**
 * A file of the simulated disk, twice: as processes see it (the page cache) and as it lies on the platter. What has been
 * written since the last sync is known sector by sector; a crash of the machine decides about each of them.
 */
import type { Random } from "./random.js";

/** What a disk writes at once, or nearly: torn sectors are simulated as well. */
export const SECTOR_BYTES = 512;

/** Sectors of a page of the page cache. */
const PAGE_SECTORS = 8;

/** How a crash of the machine treats what was not synced. */
export interface CrashOutcome {
  /** How likely a piece of unsynced data has reached the platter. */
  readonly keep: number;
  /** How likely one that has not is torn: a part of it has. */
  readonly tear: number;
  /** Pieces are whole pages of the cache, not sectors. */
  readonly byPage: boolean;
}

export class Inode {
  #cache = new Uint8Array(0);
  #platter = new Uint8Array(0);
  #size = 0;
  #platterSize = 0;
  /** Sectors that differ, or may, from those on the platter. */
  readonly #dirty = new Set<number>();
  /** Sectors that have a place on the disk: writing to them needs no space. */
  readonly #allocated = new Set<number>();

  get size(): number {
    return this.#size;
  }

  get isDirty(): boolean {
    return this.#dirty.size > 0 || this.#size !== this.#platterSize;
  }

  /** Whether bytes can be written without finding space for them. */
  isAllocated(at: number, length: number): boolean {
    for (let sector = first(at); sector <= first(at + length - 1); sector++) {
      if (!this.#allocated.has(sector)) return false;
    }
    return true;
  }

  read(into: Uint8Array, start: number, length: number, at: number): number {
    const n = Math.max(0, Math.min(length, this.#size - at));
    into.set(this.#cache.subarray(at, at + n), start);
    return n;
  }

  write(from: Uint8Array, start: number, length: number, at: number): void {
    if (length === 0) return;
    this.#reserve(at + length);
    this.#cache.set(from.subarray(start, start + length), at);
    this.#size = Math.max(this.#size, at + length);
    for (let sector = first(at); sector <= first(at + length - 1); sector++) {
      this.#dirty.add(sector);
      this.#allocated.add(sector);
    }
  }

  truncate(size: number): void {
    this.#reserve(size);
    this.#cache.fill(0, Math.min(size, this.#size), this.#size);
    for (let sector = first(size); sector * SECTOR_BYTES < this.#size; sector++) this.#dirty.add(sector);
    this.#size = size;
  }

  sync(): void {
    for (const sector of this.#dirty) this.#flush(sector);
    this.#dirty.clear();
    this.#settle(this.#size);
  }

  /**
   * A sync that fails, as Linux does it: some of the data has reached the platter, and all of it counts as clean, so
   * that no later sync writes the rest.
   */
  failSync(random: Random): void {
    for (const sector of this.#dirty) if (random.chance(0.5)) this.#flush(sector);
    this.#dirty.clear();
    if (random.chance(0.5)) this.#settle(this.#size);
  }

  /** The kernel writes some dirty data of its own accord. */
  writeBack(random: Random): void {
    for (const sector of [...this.#dirty]) {
      if (!random.chance(0.5)) continue;
      this.#flush(sector);
      this.#dirty.delete(sector);
    }
    if (random.chance(0.5)) this.#platterSize = this.#size;
  }

  /** The machine stops: what was not synced is kept, lost or torn, and the cache is gone. */
  crash(outcome: CrashOutcome, random: Random): void {
    const outcomes = new Map<number, boolean>();
    for (const sector of [...this.#dirty].sort((a, b) => a - b)) {
      const piece = outcome.byPage ? Math.floor(sector / PAGE_SECTORS) : sector;
      const isKept = outcomes.get(piece) ?? random.chance(outcome.keep);
      outcomes.set(piece, isKept);
      if (isKept) this.#flush(sector);
      else if (random.chance(outcome.tear)) this.#tear(sector, random);
    }
    this.#dirty.clear();
    const low = Math.min(this.#size, this.#platterSize);
    const high = Math.max(this.#size, this.#platterSize);
    this.#settle(random.often([2, this.#platterSize], [2, this.#size], [1, random.between(low, high)]));
    this.#cache = this.#platter.slice();
    this.#size = this.#platterSize;
  }

  /** Nothing lies behind a file's end. */
  #settle(size: number): void {
    this.#reserve(size);
    this.#platterSize = size;
    this.#platter.fill(0, size);
  }

  #flush(sector: number): void {
    const at = sector * SECTOR_BYTES;
    this.#platter.set(this.#cache.subarray(at, at + SECTOR_BYTES), at);
  }

  /** Of a sector that was under way one side of some byte is new. */
  #tear(sector: number, random: Random): void {
    const at = sector * SECTOR_BYTES;
    const cut = random.between(1, SECTOR_BYTES - 1);
    if (random.chance(0.7)) this.#platter.set(this.#cache.subarray(at, at + cut), at);
    else this.#platter.set(this.#cache.subarray(at + cut, at + SECTOR_BYTES), at + cut);
  }

  /** Both images hold whole sectors. */
  #reserve(bytes: number): void {
    if (bytes <= this.#cache.length) return;
    const length = Math.max(Math.ceil(bytes / SECTOR_BYTES) * SECTOR_BYTES, this.#cache.length * 2);
    for (const image of ["cache", "platter"] as const) {
      const grown = new Uint8Array(length);
      grown.set(image === "cache" ? this.#cache : this.#platter);
      if (image === "cache") this.#cache = grown;
      else this.#platter = grown;
    }
  }
}

const first = (at: number): number => Math.floor(at / SECTOR_BYTES);
