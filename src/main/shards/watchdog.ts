/**
 * The watchdog: looks whether the threads of shards get on. One that has not for a stated time, and does not wait for
 * its disk or for this thread, is stuck: what it is at is told, once.
 *
 * It counts looks and not time, so that a machine that stood still, or a main thread that did, is nobody's fault.
 */
import type { PulseReader } from "../../workers/pulse.js";

/** Looks within the time, and the longest pause between two: milliseconds. */
const LOOKS = 10;
const MAX_PAUSE = 1_000;

/** A life of a shard as its watchdog sees it. */
export interface Watched {
  readonly pulse: PulseReader;
  /** It has a thread, which has not been told to end. */
  readonly isRunning: boolean;
  /** It reads its journal, at the start of the broker: somebody watches that, and may know why it takes so long. */
  readonly isStarting: boolean;
  /** It has taken all that was sent to it. */
  readonly isIdle: boolean;
}

export interface WatchdogOptions {
  /** Milliseconds, or Infinity: nobody looks. */
  readonly timeout: number;
  /** By shard; undefined: there is none at present. */
  readonly lives: readonly (Watched | undefined)[];
  /** It is to be replaced. `doing`: what it is at. */
  readonly stuck: (shard: number, doing: string) => void;
  /** It waits for something, or reads its journal at a start, which another thread would do just as long. */
  readonly waits: (shard: number, doing: string) => void;
  /** One that waited gets on again. `milliseconds`: how long it has taken, about. */
  readonly goesOn: (shard: number, milliseconds: number) => void;
}

/** What was seen of a life. */
interface Sight {
  readonly life: Watched;
  turns: number;
  /** Looks in which it had not got on. */
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
    this.#pause = Math.min(MAX_PAUSE, options.timeout / LOOKS);
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
    const { turns } = life.pulse;
    if (sight === undefined || sight.life !== life) {
      this.#sights[shard] = { life, turns, still: 0, isTold: false };
      return;
    }
    if (turns !== sight.turns || (life.pulse.isAsleep && life.isIdle)) return this.#getsOn(shard, sight, turns);
    sight.still++;
    if (sight.still * this.#pause >= this.#options.timeout) this.#isStill(shard, sight);
  }

  #getsOn(shard: number, sight: Sight, turns: number): void {
    if (sight.isTold) this.#options.goesOn(shard, sight.still * this.#pause);
    sight.turns = turns;
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
