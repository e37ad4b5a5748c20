/** A value that clients set again and again. After a restart it is the last that was promised, or a later one. */
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { Durability } from "../../src/protocol/op.js";
import type { Holds, Pledge } from "./shadow.js";

interface Setting<T> {
  readonly value: T;
  /** Undefined: nobody was told that it is set. */
  pledge: Pledge | undefined;
}

export class Register<T> {
  #settings: Setting<T>[];

  constructor(
    readonly name: string,
    first: T,
  ) {
    this.#settings = [{ value: first, pledge: undefined }];
  }

  /** It was set, and nobody has been told. Answers what is to be called when somebody is. */
  set(value: T): (pledge: Pledge) => void {
    const setting: Setting<T> = { value, pledge: undefined };
    this.#settings.push(setting);
    return (pledge) => {
      setting.pledge = pledge;
    };
  }

  /** Everything has ended, and this is what is there. */
  restart(found: T, holds: Holds, now: number): void {
    const promised = this.#settings.findLastIndex(({ pledge }) => pledge !== undefined && holds(pledge));
    const possible = this.#settings.slice(Math.max(0, promised));
    assert.ok(
      possible.some(({ value }) => isDeepStrictEqual(value, found)),
      `${this.name} is ${JSON.stringify(found)}, was promised to be ${JSON.stringify(possible[0]?.value)}`,
    );
    this.#settings = [{ value: found, pledge: { level: Durability.fsync, at: now } }];
  }
}
