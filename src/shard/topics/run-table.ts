/**
 * Runs of numbered messages in the order of their sequences: five numbers each, in chunks, so that one that comes late moves
 * no more than a chunk, however many there are. It has a cursor, at which the fields of a run are read.
 */
const SEQUENCE = 0;
const COUNT = 1;
const ID_HIGH = 2;
const ID_LOW = 3;
const LEVEL = 4;
const WORDS = 5;

/** Runs in a chunk: 10 KiB. The first one begins small, since most producers publish little. */
const CHUNK_RUNS = 256;
const FIRST_RUNS = 2;

/** Memory of a chunk beside its runs. */
const CHUNK_BYTES = 256;

/** A run is layed out in a checkpoint as it is in memory, in big-endian words. */
export const RUN_BYTES = WORDS * Float64Array.BYTES_PER_ELEMENT;

/** The runs of a chunk are [first, end) of its words. */
interface Chunk {
  words: Float64Array;
  first: number;
  end: number;
}

const newChunk = (runs: number): Chunk => ({ words: new Float64Array(runs * WORDS), first: 0, end: 0 });

const runEnd = ({ words }: Chunk, at: number): number =>
  (words[at + SEQUENCE] as number) + (words[at + COUNT] as number);

export class RunTable {
  /** None of them is empty, but for the only one. */
  #chunks: Chunk[] = [newChunk(FIRST_RUNS)];
  #chunk = 0;
  #at = 0;
  #bytes = CHUNK_BYTES + FIRST_RUNS * RUN_BYTES;

  get bytes(): number {
    return this.#bytes;
  }

  get sequence(): number {
    return this.#word(SEQUENCE);
  }

  get count(): number {
    return this.#word(COUNT);
  }

  get idHigh(): number {
    return this.#word(ID_HIGH);
  }

  get idLow(): number {
    return this.#word(ID_LOW);
  }

  get level(): number {
    return this.#word(LEVEL);
  }

  /** The sequence behind the run at the cursor. */
  get end(): number {
    return runEnd(this.#chunks[this.#chunk] as Chunk, this.#at);
  }

  /** Moves to the first run. False: there is none. */
  first(): boolean {
    const [chunk] = this.#chunks as [Chunk];
    this.#chunk = 0;
    this.#at = chunk.first;
    return chunk.first < chunk.end;
  }

  /** Moves to the last run. False: there is none. */
  last(): boolean {
    this.#chunk = this.#chunks.length - 1;
    const chunk = this.#chunks[this.#chunk] as Chunk;
    this.#at = chunk.end - WORDS;
    return chunk.first < chunk.end;
  }

  /** Moves to the next run. False: that was the last one. */
  next(): boolean {
    const chunk = this.#chunks[this.#chunk] as Chunk;
    this.#at += WORDS;
    if (this.#at < chunk.end) return true;
    if (this.#chunk === this.#chunks.length - 1) return false;
    this.#chunk++;
    this.#at = (this.#chunks[this.#chunk] as Chunk).first;
    return true;
  }

  /** Moves to the first run that ends behind a sequence. False: there is none. */
  seek(sequence: number): boolean {
    const chunks = this.#chunks;
    let low = 0;
    let high = chunks.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const chunk = chunks[middle] as Chunk;
      if (runEnd(chunk, chunk.end - WORDS) <= sequence) low = middle + 1;
      else high = middle;
    }
    this.#chunk = low;
    const chunk = chunks[low] as Chunk;
    low = chunk.first / WORDS;
    high = chunk.end / WORDS;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (runEnd(chunk, middle * WORDS) <= sequence) low = middle + 1;
      else high = middle;
    }
    this.#at = low * WORDS;
    return this.#at < chunk.end;
  }

  /** Makes the run at the cursor longer. */
  extend(count: number): void {
    const { words } = this.#chunks[this.#chunk] as Chunk;
    words[this.#at + COUNT] = (words[this.#at + COUNT] as number) + count;
  }

  /** Adds a run behind all others. */
  append(sequence: number, count: number, idHigh: number, idLow: number, level: number): void {
    let chunk = this.#chunks.at(-1) as Chunk;
    if (chunk.end === chunk.words.length && !this.#makeRoom(chunk)) {
      chunk = newChunk(CHUNK_RUNS);
      this.#chunks.push(chunk);
      this.#bytes += CHUNK_BYTES + chunk.words.byteLength;
    }
    write(chunk.words, chunk.end, sequence, count, idHigh, idLow, level);
    chunk.end += WORDS;
  }

  /** Adds a run where its sequence belongs. */
  insert(sequence: number, count: number, idHigh: number, idLow: number, level: number): void {
    this.seek(sequence);
    const full = this.#chunks[this.#chunk] as Chunk;
    if (full.end === full.words.length) {
      if (!this.#makeRoom(full)) this.#split(full);
      this.seek(sequence);
    }
    const chunk = this.#chunks[this.#chunk] as Chunk;
    chunk.words.copyWithin(this.#at + WORDS, this.#at, chunk.end);
    write(chunk.words, this.#at, sequence, count, idHigh, idLow, level);
    chunk.end += WORDS;
  }

  /** Removes the first run, which there is. The cursor is at the one behind it, if there is one. */
  dropFirst(): void {
    const [chunk] = this.#chunks as [Chunk];
    chunk.first += WORDS;
    if (chunk.first < chunk.end) return void this.first();
    if (this.#chunks.length > 1) {
      this.#chunks.shift();
      this.#bytes -= CHUNK_BYTES + chunk.words.byteLength;
    } else {
      this.clear();
    }
    this.first();
  }

  clear(): void {
    this.#chunks = [newChunk(FIRST_RUNS)];
    this.#bytes = CHUNK_BYTES + FIRST_RUNS * RUN_BYTES;
  }

  /** Writes the run at the cursor to a view. */
  copyTo(view: DataView, at: number): void {
    for (let word = 0; word < WORDS; word++)
      view.setFloat64(at + word * Float64Array.BYTES_PER_ELEMENT, this.#word(word));
  }

  /** Makes room in a full chunk without another one: those of dropped runs, or by growing. False: there is none. */
  #makeRoom(chunk: Chunk): boolean {
    const used = chunk.end - chunk.first;
    if (chunk.first === 0) {
      if (chunk.words.length >= CHUNK_RUNS * WORDS) return false;
      const words = new Float64Array(Math.min(CHUNK_RUNS * WORDS, 2 * chunk.words.length));
      this.#bytes += words.byteLength - chunk.words.byteLength;
      words.set(chunk.words);
      chunk.words = words;
      return true;
    }
    chunk.words.copyWithin(0, chunk.first, chunk.end);
    chunk.first = 0;
    chunk.end = used;
    return true;
  }

  /** Moves the upper half of a chunk to one of its own. */
  #split(chunk: Chunk): void {
    const middle = (CHUNK_RUNS / 2) * WORDS;
    const upper = newChunk(CHUNK_RUNS);
    upper.words.set(chunk.words.subarray(middle, chunk.end));
    upper.end = chunk.end - middle;
    chunk.end = middle;
    this.#chunks.splice(this.#chunk + 1, 0, upper);
    this.#bytes += CHUNK_BYTES + upper.words.byteLength;
  }

  #word(word: number): number {
    return (this.#chunks[this.#chunk] as Chunk).words[this.#at + word] as number;
  }
}

const write = (
  words: Float64Array,
  at: number,
  sequence: number,
  count: number,
  idHigh: number,
  idLow: number,
  level: number,
): void => {
  words[at + SEQUENCE] = sequence;
  words[at + COUNT] = count;
  words[at + ID_HIGH] = idHigh;
  words[at + ID_LOW] = idLow;
  words[at + LEVEL] = level;
};

/** The fields of a run that `copyTo` has written. */
export const readRun = (view: DataView, at: number): [number, number, number, number, number] => {
  const word = (n: number): number => view.getFloat64(at + n * Float64Array.BYTES_PER_ELEMENT);
  return [word(SEQUENCE), word(COUNT), word(ID_HIGH), word(ID_LOW), word(LEVEL)];
};
