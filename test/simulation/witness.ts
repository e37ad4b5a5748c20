/** The effects of a shard as plain data, each with the durability that it promises. */

import type { Effect } from "../shard/model-effects.js";
import { Recorder } from "../shard/model-effects.js";

export type { Effect } from "../shard/model-effects.js";

/** An effect; `level`: the `Durability` that a confirm names, 0 for what names none. */
export interface Said {
  readonly effect: Effect;
  readonly level: number;
}

export class LevelRecorder extends Recorder {
  #levels: number[] = [];

  override confirm(
    connection: number,
    request: number,
    requests: number,
    idHigh: number,
    idLow: number,
    messages: number,
    level = 0,
  ): void {
    super.confirm(connection, request, requests, idHigh, idLow, messages);
    this.#levels.push(level);
  }

  /** All effects since the last call. */
  takeSaid(): Said[] {
    const levels = this.#levels;
    this.#levels = [];
    let confirms = 0;
    return this.take().map((effect) => ({
      effect,
      level: effect.kind === "confirm" ? (levels[confirms++] ?? 0) : 0,
    }));
  }
}
