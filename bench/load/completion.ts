/**
 * The end of a load: when its work is done, or when its time is over.
 */
export class Completion {
  #resolve = (): void => {};

  /** The work is done. */
  done(): void {
    this.#resolve();
  }

  /** Begins the work and waits until it is done, at most for this many seconds. */
  async wait(seconds: number, begin: () => void): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#resolve = resolve;
      timer = setTimeout(resolve, seconds * 1000);
      begin();
    });
    clearTimeout(timer);
  }
}
