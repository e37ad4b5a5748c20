/**
 * A server under test: a process that prints its address and runs until it is stopped.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { adopt } from "./children.js";
import { type Command, nodeCommand } from "./command.js";

/** A server that reads no data first starts much faster. */
const START_MS = 20_000;
const STOP_MS = 12_000;
const MAX_OUTPUT = 64 * 1024;

export class ServerProcess<Listening> implements AsyncDisposable {
  #stopping = false;
  #log = "";

  private constructor(
    readonly pid: number,
    readonly listening: Listening,
    /** From the start of the process until it printed its address. */
    readonly startSeconds: number,
    private readonly child: ChildProcess,
  ) {}

  /**
   * `parse` is called with the whole output so far, and returns undefined until that contains the address. Rejects when
   * that takes longer than `startMs`.
   */
  static start<Listening>(
    command: Command,
    parse: (output: string) => Listening | undefined,
    startMs = START_MS,
  ): Promise<ServerProcess<Listening>> {
    const [program, all] = nodeCommand(command);
    const { script } = command;
    const begun = performance.now();
    const child = spawn(program, all, { stdio: ["ignore", "pipe", "pipe"] });
    adopt(child);
    return new Promise((resolve, reject) => {
      let output = "";
      let errors = "";
      let server: ServerProcess<Listening> | undefined;
      const fail = (why: string): void => {
        clearTimeout(timer);
        child.kill("SIGKILL");
        reject(new Error(`${script} ${why}\n${output}${errors}`));
      };
      const timer = setTimeout(() => fail(`did not say where it listens within ${startMs} ms`), startMs);
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        output = (output + text).slice(-MAX_OUTPUT);
        const listening = parse(output);
        if (listening === undefined || child.pid === undefined) return;
        clearTimeout(timer);
        const seconds = (performance.now() - begun) / 1000;
        const started = new ServerProcess(child.pid, listening, seconds, child);
        started.#log = errors;
        server = started;
        child.once("exit", (code, signal) => {
          if (!started.#stopping) process.stderr.write(`${script} ended (${signal ?? `code ${code}`})\n${errors}`);
        });
        resolve(started);
      });
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        errors = (errors + text).slice(-MAX_OUTPUT);
        if (server !== undefined) server.#log = errors;
      });
      child.once("error", (error) => fail(error.message));
      child.once("exit", (code, signal) => fail(`ended (${signal ?? `code ${code}`})`));
    });
  }

  /** The end of its standard error, as far as that has been read. */
  get log(): string {
    return this.#log;
  }

  /** Sends SIGTERM, and SIGKILL when it does not stop. */
  async [Symbol.asyncDispose](): Promise<void> {
    const timer = setTimeout(() => this.child.kill("SIGKILL"), STOP_MS);
    await this.#end("SIGTERM");
    clearTimeout(timer);
  }

  /** Kills it, as a crash would. */
  kill(): Promise<void> {
    return this.#end("SIGKILL");
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.#stopping = true;
    const exited = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill(signal);
    await exited;
  }
}
