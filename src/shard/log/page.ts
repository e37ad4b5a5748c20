/**
 * A page of the log: records one behind the other, in memory or, once the journal has written them, on disk alone.
 */
import type { Segment } from "./segment.js";

export const NO_BYTES = new Uint8Array(0);
const NO_VIEW = new DataView(NO_BYTES.buffer);

export class Page {
  /** Empty while the page is not loaded. */
  bytes: Uint8Array = NO_BYTES;
  view: DataView = NO_VIEW;
  /** Its place in the log's table. */
  number = -1;
  /** Where the next record goes. */
  used = 0;
  /** Bytes that the journal has written. */
  written = 0;
  /** Messages that are still in a queue, counted once for each queue. */
  live = 0;
  /** Messages that ever were, counted alike. */
  total = 0;
  /** It has delayed messages or ones with a time to live: nobody knows when it is needed next. */
  isTimed = false;
  /** How often it was read back. */
  loads = 0;
  /** Records are still added to it. */
  isOpen = false;
  /** Looked into since it was last considered for leaving memory. */
  isTouched = false;

  constructor(
    bytes: Uint8Array,
    /** Undefined: it is in memory alone. */
    readonly segment: Segment | undefined,
    /** Where the page begins in the file of its segment. */
    readonly offset: number,
  ) {
    this.load(bytes);
  }

  get isLoaded(): boolean {
    return this.bytes.length > 0;
  }

  /** Nothing of it waits for the journal. */
  get isWritten(): boolean {
    return this.segment === undefined || this.written === this.used;
  }

  /** All of it is on disk: it may leave memory. */
  get canLeave(): boolean {
    return this.segment !== undefined && this.written === this.used && !this.isOpen;
  }

  load(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Gives its memory to the caller. */
  unload(): Uint8Array {
    const { bytes } = this;
    this.bytes = NO_BYTES;
    this.view = NO_VIEW;
    return bytes;
  }
}
