/**
 * A cache of the names of topics, queues and channels, by their bytes. A cached name need not be decoded and checked
 * again, and as the same string it keeps the hash that maps need.
 */
import { ProtocolError } from "../protocol/errors.js";
import { readStrictText } from "../protocol/text.js";

/**
 * Slots, by hash, of one name each; a new name replaces the old one. About 2 MB when full. They begin with few, and are
 * made more where names meet, since to make them all takes a millisecond. Powers of two.
 */
const FIRST_SLOTS = 256;
const MAX_SLOTS = 16_384;
const GROWTH = 4;

// biome-ignore lint/suspicious/noControlCharactersInRegex: it finds control characters
const CONTROL = /[\u0000-\u001f\u007f]/;

interface Known {
  readonly bytes: Uint8Array;
  readonly name: string;
}

const slots = (count: number): (Known | undefined)[] => new Array<Known | undefined>(count).fill(undefined);

export class NameTable {
  #slots = slots(FIRST_SLOTS);

  constructor(readonly maxNameBytes: number) {}

  /** The name in [start, end), which is not empty. Errors call it `what`. Throws BAD_NAME. */
  find(what: string, bytes: Uint8Array, start: number, end: number): string {
    if (end - start > this.maxNameBytes) {
      throw new ProtocolError("BAD_NAME", `${what} has more than ${this.maxNameBytes} bytes`);
    }
    // FNV-1a, which is fast for short names.
    let hash = 0x811c_9dc5;
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x0100_0193);
    const spread = hash ^ (hash >>> 15);
    const known = this.#slots[spread & (this.#slots.length - 1)];
    if (known !== undefined && isSame(known.bytes, bytes, start, end)) return known.name;
    // Not `slice`: that of a Buffer is not a copy.
    const own = new Uint8Array(bytes.subarray(start, end));
    const name = this.#check(what, own);
    // Those that are known are found out anew.
    if (known !== undefined && this.#slots.length < MAX_SLOTS) this.#slots = slots(this.#slots.length * GROWTH);
    this.#slots[spread & (this.#slots.length - 1)] = { bytes: own, name };
    return name;
  }

  #check(what: string, bytes: Uint8Array): string {
    const name = readStrictText(bytes, 0, bytes.length);
    if (name === undefined) throw new ProtocolError("BAD_NAME", `${what} is not UTF-8`);
    if (CONTROL.test(name)) throw new ProtocolError("BAD_NAME", `${what} has a control character`);
    return name;
  }
}

const isSame = (known: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean => {
  if (known.length !== end - start) return false;
  for (let i = 0; i < known.length; i++) if (known[i] !== bytes[start + i]) return false;
  return true;
};
