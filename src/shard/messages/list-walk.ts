/** A walk over what a list has when it begins, in steps, whatever comes and goes meanwhile. */
import * as ext from "./extent.js";
import type { Cursor, ExtentList } from "./extent-list.js";
import type { Store } from "./store.js";

export class ListWalk {
  /** What the last `advance` has cost, in extents looked at. */
  looks = 0;
  readonly #store: Store;
  readonly #list: ExtentList;
  readonly #look: (extent: number) => void;
  readonly #price: number;
  /** What was there when it began: it ends also when the list grows faster than it goes. */
  #left: number;
  #cursor: Cursor | undefined;

  /** `messages`: those of the list. `price`: what a call of `look` costs, in extents looked at. */
  constructor(store: Store, list: ExtentList, messages: number, look: (extent: number) => void, price = 1) {
    this.#store = store;
    this.#list = list;
    this.#left = messages;
    this.#look = look;
    this.#price = price;
  }

  /** Goes on, at about as much as costs `max` extents. False: it is not at the end yet. */
  advance(max: number): boolean {
    const { extents } = this.#store;
    this.looks = 0;
    this.#cursor ??= this.#list.openCursor();
    const cursor = this.#cursor;
    while (cursor.at !== ext.NONE && this.#left > 0) {
      if (this.looks >= max) return false;
      this.#look(cursor.at);
      this.#left -= extents.count(cursor.at);
      this.looks += this.#price;
      cursor.at = extents.get(cursor.at, ext.NEXT);
    }
    this.close();
    return true;
  }

  /** To be called when it is not used any more. */
  close(): void {
    if (this.#cursor !== undefined) this.#list.closeCursor(this.#cursor);
    this.#cursor = undefined;
  }
}
