/** What carries the bytes of a native connection of another thread: a lane of the bridge to it. */
import type { Lane } from "../../../bridge/bridge.js";
import type { Transport } from "../../native/transport.js";

export class LaneTransport implements Transport {
  readonly framed = true;
  readonly canPause = true;
  /** Called when the lane has been closed from this side at once. */
  onDestroyed: () => void = () => {};
  /** Called with what came while it was paused. */
  onResumed: (bytes: Uint8Array) => void = () => {};
  readonly #lane: Lane;
  #isPaused = false;
  /** What came while it was paused; the other side sends little before it hears that it is dealt with. */
  #kept: Uint8Array[] = [];

  constructor(
    lane: Lane,
    readonly protocol: string,
    readonly address: string,
  ) {
    this.#lane = lane;
  }

  /** Whether bytes that have come may be read now. Otherwise they are kept for `onResumed`. */
  admits(bytes: Uint8Array): boolean {
    if (!this.#isPaused && this.#kept.length === 0) return true;
    this.#kept.push(bytes);
    return false;
  }

  write(bytes: Buffer): boolean {
    this.#lane.send(bytes);
    return true;
  }

  bufferedBytes(): number {
    return this.#lane.unsettled;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    // Not now: the connection is in the middle of something.
    if (this.#kept.length > 0) queueMicrotask(this.#deliver);
  }

  end(): void {
    this.#lane.end();
  }

  destroy(): void {
    this.#lane.reset();
    queueMicrotask(() => this.onDestroyed());
  }

  readonly #deliver = (): void => {
    while (!this.#isPaused) {
      const bytes = this.#kept.shift();
      if (bytes === undefined) return;
      this.onResumed(bytes);
    }
  };
}
