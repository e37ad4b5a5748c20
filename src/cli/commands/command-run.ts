/** A command that runs for one message: its environment, its standard input, its end. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { plainHeaders } from "../../client/base/inspection.js";
import type { Message } from "../../client/index.js";

/** How long a command may take to end when it was asked to. Milliseconds. */
const GRACE = 5_000;

/** Characters of headers in the environment: the system takes no longer variable than 128 KiB. */
const MAX_HEADERS = 30_000;

/** How a command has ended: `0`, `exit code 3`, `SIGKILL`. */
export interface Outcome {
  readonly isDone: boolean;
  readonly text: string;
}

const environmentOf = (topic: string, message: Message): NodeJS.ProcessEnv => {
  const headers = JSON.stringify(plainHeaders(() => message.headers) ?? {});
  return {
    ...process.env,
    RINGMQ_MESSAGE_ID: message.id,
    RINGMQ_MESSAGE_TOPIC: topic,
    RINGMQ_MESSAGE_KEY: message.routeKey,
    RINGMQ_MESSAGE_RETRY: String(message.retry),
    ...(headers.length <= MAX_HEADERS && { RINGMQ_MESSAGE_HEADERS: headers }),
  };
};

export class CommandRun {
  readonly #child: ChildProcess;
  #kill: NodeJS.Timeout | undefined;
  #why: string | undefined;

  /** `output`: where its standard output goes. */
  constructor([program = "", ...args]: readonly string[], topic: string, message: Message, output: "inherit" | 2) {
    this.#child = spawn(program, args, {
      env: environmentOf(topic, message),
      stdio: ["pipe", output, "inherit"],
      // A group of its own: Ctrl-C at the terminal is for this program, and what the command has started ends with it.
      detached: true,
    });
    const { stdin } = this.#child;
    // It need not read what it is given.
    stdin?.on("error", () => {});
    stdin?.end(message.body);
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
