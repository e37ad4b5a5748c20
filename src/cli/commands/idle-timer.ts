/** Ends what waits for messages when none has come for a while. */

export class IdleTimer {
  readonly #time: number | undefined;
  readonly #end: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** Runs from now on. `time` undefined: it never ends. Milliseconds. */
  constructor(time: number | undefined, end: () => void) {
    this.#time = time;
    this.#end = end;
    this.restart();
  }

  restart(): void {
    this.pause();
    if (this.#time !== undefined) this.#timer = setTimeout(this.#end, this.#time);
  }

  pause(): void {
    clearTimeout(this.#timer);
  }
}
