/** A broker in a process of its own, which can be killed. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { deferred } from "../client/base/deferred.js";

const PROGRAM = fileURLToPath(new URL("../cli/ringmq.js", import.meta.url));

/** Characters kept of its latest output. */
const TAIL = 16 * 1024;

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class BrokerProcess {
  /** Resolves with the address of the native protocol when it listens; never if it ends before. */
  readonly ready: Promise<string>;
  readonly exited: Promise<Exit>;
  /** Its latest output to standard error. */
  said = "";
  readonly #child: ChildProcess;

  /** `serve` are flags of `ringmq serve`. `onOutput` gets what it writes to standard error. */
  constructor(serve: readonly string[], onOutput: (text: string) => void) {
    const args = [PROGRAM, "serve", "--tcp", "127.0.0.1:0", "--http", "off", ...serve, "--log-format", "text"];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    const ready = deferred<string>();
    const exited = deferred<Exit>();
    this.ready = ready.promise;
    this.exited = exited.promise;
    let out = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      out = (out + text).slice(-TAIL);
      const [, address] = /tcp:\/\/(\S+:\d+)\n/.exec(out) ?? [];
      if (address !== undefined) ready.resolve(`tcp://${address}`);
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.said = (this.said + text).slice(-TAIL);
      onOutput(text);
    });
    // It must not outlive this program.
    const end = (): void => this.kill();
    process.once("exit", end);
    child.once("close", (code, signal) => {
      process.off("exit", end);
      exited.resolve({ code, signal });
    });
    child.once("error", (error) => {
      this.said += `${error.message}\n`;
      exited.resolve({ code: -1, signal: null });
    });
  }

  /** Kills it (SIGKILL), as a crash would. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }

  /** Asks it to shut down (SIGTERM). */
  stop(): void {
    this.#child.kill("SIGTERM");
  }
}
