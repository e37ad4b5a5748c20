/**
 * Names of topics, queues and channels out of the bytes of heads. A name that was seen lately is found by its bytes: it
 * has been checked, and is the same string, whose hash the maps that it is looked up in need not take again.
 */
import { ProtocolError } from "../protocol/errors.js";
import { readStrictText } from "../protocol/text.js";

/** Names that are remembered: each has one place, by its hash, and the latest one keeps it. Some 2 MB when full. */
const PLACES = 16_384;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f]/;

interface Known {
  readonly bytes: Uint8Array;
  readonly name: string;
}

export class NameTable {
  readonly #places: (Known | undefined)[] = new Array<Known | undefined>(PLACES).fill(undefined);

  constructor(readonly maxNameBytes: number) {}

  /** The name in [start, end), which is not empty. `what` it is names it in errors. Throws BAD_NAME. */
  find(what: string, bytes: Uint8Array, start: number, end: number): string {
    if (end - start > this.maxNameBytes) {
      throw new ProtocolError("BAD_NAME", `${what} has more than ${this.maxNameBytes} bytes`);
    }
    // FNV-1a: names are short.
    let hash = 0x811c_9dc5;
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x0100_0193);
    const place = (hash ^ (hash >>> 15)) & (PLACES - 1);
    const known = this.#places[place];
    if (known !== undefined && isSame(known.bytes, bytes, start, end)) return known.name;
    // Not `slice`: that of a Buffer is no copy.
    const own = new Uint8Array(bytes.subarray(start, end));
    const name = this.#check(what, own);
    this.#places[place] = { bytes: own, name };
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
