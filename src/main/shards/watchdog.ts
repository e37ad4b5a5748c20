/**
 * The watchdog: checks that the threads of shards make progress. A thread that has made none for the timeout, and is not
 * waiting for its disk or for the main thread, is stuck.
 *
 * It counts checks, not time, so that a machine or a main thread that stood still is not blamed on a shard.
 */
import type { PulseReader } from "../../workers/pulse.js";

/** Checks within the timeout, and the longest pause between two, in milliseconds. */
const CHECKS = 10;
const MAX_PAUSE = 1_000;

/** What the watchdog sees of a shard's life. */
export interface Watched {
  readonly pulse: PulseReader;
  /** It has a thread that has not been told to end. */
  readonly isRunning: boolean;
  /** It reads its journal at the start of the broker. Whoever started that may know why it takes so long. */
  readonly isStarting: boolean;
  /** It has taken all that was sent to it. */
  readonly isIdle: boolean;
}

export interface WatchdogOptions {
  /** Milliseconds; Infinity: no watchdog. */
  readonly timeout: number;
  /** By shard; undefined: there is none at present. */
  readonly lives: readonly (Watched | undefined)[];
  /** It is stuck and must be replaced. `doing`: what it is doing. */
  readonly stuck: (shard: number, doing: string) => void;
  /** It makes no progress because it waits, or reads its journal at a start: another thread would take as long. */
  readonly waits: (shard: number, doing: string) => void;
  /** One that waited makes progress again, after about so many milliseconds. */
  readonly goesOn: (shard: number, milliseconds: number) => void;
}

/** What is known of a life. */
interface Sight {
  readonly life: Watched;
  beats: number;
  /** Checks since it last made progress. */
  still: number;
  isTold: boolean;
}

export class Watchdog {
  readonly #options: WatchdogOptions;
  readonly #pause: number;
  readonly #sights: (Sight | undefined)[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(options: WatchdogOptions) {
    this.#options = options;
    this.#pause = Math.min(MAX_PAUSE, options.timeout / CHECKS);
  }

  start(): void {
    if (this.#options.timeout === Number.POSITIVE_INFINITY) return;
    this.#timer = setInterval(() => this.look(), this.#pause);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Called about every `timeout / 10`. */
  look(): void {
    const { lives } = this.#options;
    for (let shard = 0; shard < lives.length; shard++) this.#lookAt(shard, lives[shard]);
  }

  #lookAt(shard: number, life: Watched | undefined): void {
    const sight = this.#sights[shard];
    if (life === undefined || !life.isRunning) {
      this.#sights[shard] = undefined;
      return;
    }
    const { beats } = life.pulse;
    if (sight === undefined || sight.life !== life) {
      this.#sights[shard] = { life, beats, still: 0, isTold: false };
      return;
    }
    if (beats !== sight.beats || (life.pulse.isAsleep && life.isIdle)) return this.#getsOn(shard, sight, beats);
    sight.still++;
    if (sight.still * this.#pause >= this.#options.timeout) this.#isStill(shard, sight);
  }

  #getsOn(shard: number, sight: Sight, beats: number): void {
    if (sight.isTold) this.#options.goesOn(shard, sight.still * this.#pause);
    sight.beats = beats;
    sight.still = 0;
    sight.isTold = false;
  }

  #isStill(shard: number, sight: Sight): void {
    const { pulse, isStarting } = sight.life;
    if (!isStarting && (pulse.isAsleep || !pulse.isWaiting)) {
      this.#sights[shard] = undefined;
      return this.#options.stuck(shard, pulse.doing);
    }
    if (sight.isTold) return;
    sight.isTold = true;
    this.#options.waits(shard, pulse.doing);
  }
}
