/**
 * The body of a request on its way in. Nearly every body comes in one part and is read where it lies. One that comes in
 * several is read part by part, so that no more is kept of it than is wanted, and no part takes long; it has to get on, or
 * its connection is closed.
 */
import type { HttpExchange } from "./exchange.js";

/** A body that is refused is read on this far, so that a client that reads only after it has written sees why. */
const MAX_DISCARDED_BYTES = 64 * 1024 * 1024;

/** In each period a body has to get on by so many bytes, which a telephone line would carry in a second. */
const PROGRESS_BYTES = 1024;
const PROGRESS_PERIOD = 10_000;

/** What reads the parts of a body; the bytes are the intake's again when `write` returns. */
export interface BodyReader {
  write(bytes: Uint8Array): void;
  /** The body is whole. */
  end(): void;
  /** There is more of it than the limit, and all that came since was left out. */
  tooLarge(): void;
  /** The client has gone, or the body is done with. */
  release(): void;
}

/** Bodies that are not whole, and whether they get on. */
export class BodyDeadlines {
  readonly #bodies = new Set<{ bytes: number; isNew: boolean; readonly close: () => void }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(readonly period = PROGRESS_PERIOD) {}

  /** Bodies that are watched. */
  get size(): number {
    return this.#bodies.size;
  }

  /** Watches a body; `close` is called when it does not get on. Tell `got` how many bytes come, and `done` at its end. */
  watch(close: () => void): { readonly got: (bytes: number) => void; readonly done: () => void } {
    const body = { bytes: 0, isNew: true, close };
    this.#bodies.add(body);
    if (this.#timer === undefined) {
      this.#timer = setInterval(() => this.#sweep(), this.period);
      this.#timer.unref();
    }
    return {
      got: (bytes) => {
        body.bytes += bytes;
      },
      done: () => {
        this.#bodies.delete(body);
      },
    };
  }

  #sweep(): void {
    for (const body of this.#bodies) {
      // One that began within the period has the whole of the next.
      if (!body.isNew && body.bytes < PROGRESS_BYTES) {
        this.#bodies.delete(body);
        body.close();
      }
      body.isNew = false;
      body.bytes = 0;
    }
    if (this.#bodies.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/**
 * Hands a body to what `open` makes for it, told whether its first part is all of it. Nothing more is called for a client
 * that goes first but `release`.
 *
 * @param limit the largest body, in bytes
 */
export const takeBody = (
  exchange: HttpExchange,
  deadlines: BodyDeadlines,
  limit: number,
  open: (isWhole: boolean) => BodyReader,
): void => {
  let reader: BodyReader | undefined;
  let size = 0;
  const progress = deadlines.watch(() => exchange.run(() => exchange.abort()));
  const release = (): void => {
    progress.done();
    reader?.release();
  };
  exchange.onGone(release);
  exchange.onData((bytes, isLast) => {
    if (!exchange.open) return release();
    size += bytes.length;
    progress.got(bytes.length);
    reader ??= open(isLast);
    if (size <= limit) reader.write(bytes);
    if (!isLast) {
      if (size > limit + MAX_DISCARDED_BYTES) exchange.abort();
      return;
    }
    if (size <= limit) reader.end();
    else reader.tooLarge();
    release();
  });
};
