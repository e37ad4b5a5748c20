/** Cuts bytes into lines, as Go's bufio.ScanLines does: without the line end, `\n` or `\r\n`; the last one may lack it. */

const NEWLINE = 0x0a;
const RETURN = 0x0d;

export class LineTooLong extends Error {
  override readonly name = "LineTooLong";
}

export class LineSplitter {
  readonly #maxBytes: number;
  #parts: Buffer[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The lines that are whole now. @throws LineTooLong */
  *push(chunk: Buffer): Generator<Buffer, void, void> {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.#add(chunk.subarray(start, end));
      start = end + 1;
      yield this.#take();
    }
    if (start < chunk.length) this.#add(chunk.subarray(start));
  }

  /** What is left behind the last line end; undefined: nothing. */
  end(): Buffer | undefined {
    return this.#bytes === 0 ? undefined : this.#take();
  }

  #add(part: Buffer): void {
    this.#bytes += part.length;
    // A return behind the line is not of it.
    if (this.#bytes > this.#maxBytes + 1) throw new LineTooLong(`a line has more than ${this.#maxBytes} bytes`);
    this.#parts.push(part);
  }

  #take(): Buffer {
    const [only = Buffer.alloc(0)] = this.#parts;
    const line = this.#parts.length > 1 ? Buffer.concat(this.#parts) : only;
    this.#parts = [];
    this.#bytes = 0;
    return line.at(-1) === RETURN ? line.subarray(0, -1) : line;
  }
}
