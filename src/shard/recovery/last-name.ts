/** A name of records, decoded as often as it changes: mostly that of a record is the one of the record before. */
const decoder = new TextDecoder();

export class LastName {
  #bytes = new Uint8Array(0);
  #text = "";

  read(bytes: Uint8Array, start: number, end: number): string {
    if (!this.#is(bytes, start, end)) {
      this.#bytes = bytes.slice(start, end);
      this.#text = decoder.decode(this.#bytes);
    }
    return this.#text;
  }

  #is(bytes: Uint8Array, start: number, end: number): boolean {
    const known = this.#bytes;
    if (known.length !== end - start) return false;
    for (let i = 0; i < known.length; i++) if (known[i] !== bytes[start + i]) return false;
    return true;
  }
}
