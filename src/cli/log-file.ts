/** A file that a log is appended to, which another program may rename: it is opened anew when it is asked for. */
import { pino } from "pino";
import { ConfigError } from "./configuration-text.js";

/** Bytes that wait for a disk that takes none; lines beyond are dropped. */
const MAX_UNWRITTEN = 1024 * 1024;

export class LogFile {
  #file: ReturnType<typeof pino.destination>;
  #isBroken = false;

  /** @throws ConfigError when it cannot be written. */
  constructor(
    readonly path: string,
    /** Told once of a disk that takes no more. */
    readonly failed: (reason: string) => void,
  ) {
    this.#file = this.#open();
  }

  readonly write = (text: string): void => {
    this.#file.write(text);
  };

  /** The file of that name is made if it is not there any more. @throws ConfigError; then what was open stays. */
  reopen(): void {
    const former = this.#file;
    this.#file = this.#open();
    this.#isBroken = false;
    former.end();
  }

  #open(): ReturnType<typeof pino.destination> {
    try {
      // Lines are rare, and the last one before the process ends is worth waiting for.
      const file = pino.destination({ dest: this.path, sync: true, append: true, maxLength: MAX_UNWRITTEN });
      file.on("error", (error: Error) => {
        if (!this.#isBroken) this.failed(reasonOf(this.path, error));
        this.#isBroken = true;
      });
      return file;
    } catch (error) {
      throw new ConfigError(reasonOf(this.path, error));
    }
  }
}

const reasonOf = (path: string, error: unknown): string =>
  `the log file ${path} cannot be written: ${error instanceof Error ? error.message : String(error)}`;
