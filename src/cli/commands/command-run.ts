/** A command that runs for one message: its environment, its standard input and output, its end. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { CommandError } from "./broker-command.js";
import { EXIT } from "./exit-codes.js";
import { shownName } from "./output.js";

/** The longest time that a timer takes. */
export const MAX_TIMER = 2 ** 31 - 1;

/** How long a command may take to end when it was asked to. Milliseconds. */
const GRACE = 5_000;

/** Characters of headers in the environment: the system takes no longer variable than 128 KiB. */
const MAX_HEADERS = 30_000;

/** How a command has ended: `0`, `exit code 3`, `SIGKILL`. */
export interface Outcome {
  readonly isDone: boolean;
  readonly text: string;
}

/** In the environment as JSON, unless they are too long for it. */
export const shortHeaders = (name: string, headers: unknown): Readonly<Record<string, string>> => {
  const text = JSON.stringify(headers ?? {});
  return text.length <= MAX_HEADERS ? { [name]: text } : {};
};

export class CommandRun {
  readonly #child: ChildProcess;
  #kill: NodeJS.Timeout | undefined;
  #why: string | undefined;

  /** `environment`: beside that of this program. `output`: where its standard output goes; pipe: see `output`. */
  constructor(
    [program = "", ...args]: readonly string[],
    environment: Readonly<Record<string, string>>,
    input: Uint8Array,
    output: "inherit" | "pipe" | 2,
  ) {
    this.#child = spawn(program, args, {
      env: { ...process.env, ...environment },
      stdio: ["pipe", output, "inherit"],
      // A group of its own: Ctrl-C at the terminal is for this program, and what the command has started ends with it.
      detached: true,
    });
    const { stdin } = this.#child;
    // It need not read what it is given.
    stdin?.on("error", () => {});
    stdin?.end(input);
  }

  /** Resolves when it has ended. Rejects when it could not be started. */
  async end(): Promise<Outcome> {
    try {
      const [code, signal] = (await once(this.#child, "exit")) as [number | null, string | null];
      const text = this.#why ?? (code === null ? String(signal) : `exit code ${code}`);
      return { isDone: code === 0 && this.#why === undefined, text };
    } finally {
      clearTimeout(this.#kill);
    }
  }

  /** What it writes to its standard output. What writes more than so many bytes is ended. */
  async output(maxBytes: number): Promise<Buffer> {
    const { stdout } = this.#child;
    const chunks: Buffer[] = [];
    let bytes = 0;
    if (stdout === null) throw new Error("its output goes elsewhere");
    for await (const chunk of stdout as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxBytes) this.terminate(`its output is longer than a message may be, ${maxBytes} bytes`);
      else chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  /** Asks it to end, and soon does not ask any more. `why`: for the log. */
  terminate(why: string): void {
    if (this.#why !== undefined) return;
    this.#why = why;
    this.#signal("SIGTERM");
    this.#kill = setTimeout(() => this.#signal("SIGKILL"), GRACE);
  }

  kill(): void {
    this.#signal("SIGKILL");
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // It has ended meanwhile.
    }
  }
}

/** Why a command could not be run at all. */
export const notStarted = ([program = ""]: readonly string[], error: unknown): CommandError =>
  new CommandError(`${shownName(program)} cannot be started: ${startFailure(error)}`, EXIT.usage);

const startFailure = (error: unknown): string => {
  const { code } = Object(error) as { readonly code?: unknown };
  if (code === "ENOENT") return "there is no such program";
  if (code === "EACCES") return "it is no program that this user may run";
  return error instanceof Error ? error.message : String(error);
};
