/** Where the interactive client reads and writes: a terminal with a prompt, or pipes. */
import { once } from "node:events";
import { clearScreenDown, createInterface, cursorTo, type Interface, moveCursor } from "node:readline";
import { escapeControls } from "../../main/data/control-characters.js";
import { eachLine } from "../line-input.js";

export interface Screen {
  /** Calls `take` with each line, one after another. Resolves at the end: with why, if it could not go on. */
  lines(stopping: AbortSignal, take: (line: Buffer) => Promise<void>): Promise<string | undefined>;
  /** Resolves when the next message may come. */
  message(payload: Uint8Array): Promise<void>;
  /** About the connection. */
  notice(text: string): void;
}

/** Messages on standard output, notices in the log. */
export class PipeScreen implements Screen {
  readonly notice: (text: string) => void;

  constructor(notice: (text: string) => void) {
    this.notice = notice;
  }

  lines(stopping: AbortSignal, take: (line: Buffer) => Promise<void>): Promise<string | undefined> {
    return eachLine(process.stdin, stopping, take);
  }

  async message(payload: Uint8Array): Promise<void> {
    if (!process.stdout.write(Buffer.concat([payload, Buffer.from("\n")]))) await once(process.stdout, "drain");
  }
}

/** Lines that the arrow keys bring back. */
const HISTORY = 1_000;

/** A prompt at the bottom; what comes is written above it, and what is being typed stays as it is. */
export class TerminalScreen implements Screen {
  readonly #readline: Interface = createInterface({
    input: process.stdin,
    output: process.stdout,
    prompt: "> ",
    historySize: HISTORY,
    terminal: true,
  });
  #isOpen = true;

  async lines(stopping: AbortSignal, take: (line: Buffer) => Promise<void>): Promise<string | undefined> {
    const end = (): void => this.#readline.close();
    stopping.addEventListener("abort", end, { once: true });
    // Ctrl-C. Ctrl-D closes it by itself.
    this.#readline.on("SIGINT", end);
    this.#readline.on("line", (line) => {
      this.#readline.pause();
      void take(Buffer.from(line)).finally(() => {
        if (!this.#isOpen) return;
        this.#readline.resume();
        this.#readline.prompt();
      });
    });
    this.#readline.prompt();
    await once(this.#readline, "close");
    this.#isOpen = false;
    process.stdout.write("\n");
    return undefined;
  }

  async message(payload: Uint8Array): Promise<void> {
    // Whoever publishes must not control the terminal of whoever reads.
    if (!this.#above(escapeControls(new TextDecoder().decode(payload), "\t"))) await once(process.stdout, "drain");
  }

  notice(text: string): void {
    this.#above(`* ${escapeControls(text, "")}`);
  }

  /** Writes a line where the prompt is, and the prompt with what is typed below it. */
  #above(text: string): boolean {
    const { stdout } = process;
    if (this.#isOpen) {
      // What is typed may take several rows.
      moveCursor(stdout, 0, -this.#readline.getCursorPos().rows);
      cursorTo(stdout, 0);
      clearScreenDown(stdout);
    }
    const hasRoom = stdout.write(`${text}\n`);
    if (this.#isOpen) this.#readline.prompt(true);
    return hasRoom;
  }
}
