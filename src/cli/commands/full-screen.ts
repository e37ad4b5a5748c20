/** A terminal that is drawn on as a whole, and left as it was. */

/** The second screen, without a cursor; and back. */
const ENTER = "\u001b[?1049h\u001b[?25l\u001b[2J";
const LEAVE = "\u001b[?25h\u001b[?1049l";

const HOME = "\u001b[H";
const END_OF_LINE = "\u001b[K";
const END_OF_SCREEN = "\u001b[J";

const DEFAULT_ROWS = 24;
const DEFAULT_COLUMNS = 80;

export class FullScreen {
  readonly #leave = (): void => this[Symbol.dispose]();
  readonly #key: (bytes: Buffer) => void;
  readonly #resized: () => void;
  #isLeft = false;

  /** Takes the terminal over. `onKey` is told of each key, `onResized` of a new size. */
  constructor(onKey: (key: string) => void, onResized: () => void) {
    const { stdin, stdout } = process;
    this.#key = (bytes) => {
      for (const key of bytes.toString()) onKey(key);
    };
    this.#resized = onResized;
    stdin.setRawMode(true);
    stdin.on("data", this.#key);
    stdout.on("resize", onResized);
    // However the program ends.
    process.on("exit", this.#leave);
    stdout.write(ENTER);
  }

  /** Lines from the top on, as many and as much of them as there is room for. */
  draw(lines: readonly string[]): void {
    if (this.#isLeft) return;
    // A terminal that does not know its size says 0.
    const rows = process.stdout.rows || DEFAULT_ROWS;
    const columns = process.stdout.columns || DEFAULT_COLUMNS;
    const shown = lines.length <= rows ? lines : [...lines.slice(0, rows - 1), `… ${lines.length - rows + 1} more`];
    const text = shown.map((line) => line.slice(0, columns) + END_OF_LINE).join("\r\n");
    process.stdout.write(`${HOME}${text}${END_OF_SCREEN}`);
  }

  [Symbol.dispose](): void {
    if (this.#isLeft) return;
    this.#isLeft = true;
    const { stdin, stdout } = process;
    process.off("exit", this.#leave);
    stdout.off("resize", this.#resized);
    stdin.off("data", this.#key);
    stdin.setRawMode(false);
    stdin.pause();
    stdout.write(LEAVE);
  }
}
