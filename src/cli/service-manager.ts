/**
 * What systemd is told of a server that it runs (`Type=notify`): that it is ready, reads its configuration again, stops. Node.js
 * has no sockets for datagrams in the file system, so that systemd's own program, `systemd-notify`, says it.
 */
import type { Log } from "../main/log.js";

const PROGRAM = "systemd-notify";

/** Milliseconds for systemd to take what it is told. */
const TIMEOUT = 10_000;

export class ServiceManager {
  readonly #log: Log;
  readonly #isThere: boolean;
  #state: "starting" | "ready" | "stopping" = "starting";
  /** Ends when all that has been said so far is taken: the order counts. */
  #said: Promise<void> = Promise.resolve();

  /** `socket` is where systemd listens, NOTIFY_SOCKET of the environment. Undefined, empty: nothing is said to nobody. */
  constructor(log: Log, socket = process.env["NOTIFY_SOCKET"]) {
    this.#log = log;
    this.#isThere = socket !== undefined && socket !== "";
  }

  /** It serves. */
  ready(): void {
    if (this.#state !== "starting") return;
    this.#state = "ready";
    this.#say("READY=1");
  }

  /** `work` is done, and systemd told when it begins and when it is over. */
  reloading(work: () => void): void {
    const isReady = this.#state === "ready";
    // The time is what Type=notify-reload tells this reload from an earlier one by.
    if (isReady) this.#say("RELOADING=1", `MONOTONIC_USEC=${microseconds()}`);
    work();
    if (isReady) this.#say("READY=1");
  }

  /** It ends, in order or not. */
  stopping(): void {
    if (this.#state === "stopping") return;
    this.#state = "stopping";
    this.#say("STOPPING=1");
  }

  #say(...assignments: readonly string[]): void {
    if (!this.#isThere) return;
    this.#said = this.#said
      .then(() => run(assignments))
      .catch(({ message }: Error) => this.#log.warn({ reason: message }, `systemd cannot be told ${assignments[0]}`));
  }
}

/** What it needs is loaded when systemd is there. */
const run = async (assignments: readonly string[]): Promise<void> => {
  const [{ execFile }, { promisify }] = await Promise.all([import("node:child_process"), import("node:util")]);
  await promisify(execFile)(PROGRAM, assignments, { timeout: TIMEOUT });
};

/** Of CLOCK_MONOTONIC. */
const microseconds = (): number => {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e6 + Math.floor(nanoseconds / 1e3);
};
