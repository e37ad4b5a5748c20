/** Messages that are sent ahead of their confirms, a bounded number of them, and what became of them. */
import { type Client, RingmqError } from "../../client/index.js";
import { EXIT, exitCodeOf } from "./exit-codes.js";
import { BadLine } from "./json-line.js";

/** The client has a bound in bytes of its own; this keeps the broker busy. */
const MAX_UNDER_WAY = 65_536;

/** As `client.ready` has it. */
const READY_BYTES = 4 * 1024 * 1024;

/** Messages that were sent together: their number, which of the input the first is, and their bytes. */
export interface Sent {
  readonly first: number;
  readonly count: number;
  readonly bytes: number;
}

export class Sending<T> {
  readonly #client: Client;
  /** What one of them is called: `line`. */
  readonly #what: string;
  readonly #onConfirmed: (sent: Sent, receipt: T) => void;
  readonly #onRefused: (sent: Sent, error: Error) => void;
  #underWay = 0;
  #wake: (() => void) | undefined;
  #error: Error | undefined;
  /** Which was the first that failed. */
  #where = 0;
  #failed = 0;
  /** Messages that are confirmed. */
  done = 0;
  /** Bytes of all that are confirmed or refused. */
  bytes = 0;

  constructor(
    client: Client,
    what: string,
    onConfirmed: (sent: Sent, receipt: T) => void,
    onRefused: (sent: Sent, error: Error) => void = () => {},
  ) {
    this.#client = client;
    this.#what = what;
    this.#onConfirmed = onConfirmed;
    this.#onRefused = onRefused;
  }

  /** `3 of 10 messages were not published, the first of them line 4: …`; undefined: all were. */
  get failure(): string | undefined {
    if (this.#error === undefined) return undefined;
    const { message } = this.#error;
    const code = this.#error instanceof RingmqError ? ` (${this.#error.code})` : "";
    const first = `${this.#failed === 1 ? "" : "the first of them "}${this.#what} ${this.#where}`;
    return `${this.#failed} of ${this.done + this.#failed} messages were not published, ${first}: ${message}${code}`;
  }

  get exitCode(): number {
    if (this.#error === undefined) return 0;
    if (this.#error instanceof BadLine) return EXIT.usage;
    return this.#error instanceof RingmqError ? exitCodeOf(this.#error) : EXIT.failed;
  }

  /** There is room for more, now. Otherwise wait for `ready`. */
  get isReady(): boolean {
    return this.#underWay < MAX_UNDER_WAY && this.#client.pendingBytes <= READY_BYTES;
  }

  /** Resolves when there is room for more, or when nothing can be sent any more. */
  async ready(): Promise<void> {
    while (this.#underWay >= MAX_UNDER_WAY) await this.#fewer();
    // When the connection has ended, what is sent rejects by itself.
    await this.#client.ready().catch(() => {});
  }

  /** Minds what was just sent. */
  add(sent: Sent, receipt: Promise<T>): void {
    this.#underWay++;
    receipt.then(
      (value) => {
        this.done += sent.count;
        this.bytes += sent.bytes;
        this.#onConfirmed(sent, value);
        this.#settled();
      },
      (error: Error) => {
        this.refused(sent, error);
        this.#settled();
      },
    );
  }

  /** What was not taken, or not even sent. */
  refused(sent: Sent, error: Error): void {
    this.#failed += sent.count;
    this.bytes += sent.bytes;
    this.#onRefused(sent, error);
    if (this.#error !== undefined) return;
    this.#error = error;
    this.#where = sent.first;
  }

  /** Resolves when nothing is under way. */
  async flush(): Promise<void> {
    while (this.#underWay > 0) await this.#fewer();
  }

  #fewer(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #settled(): void {
    this.#underWay--;
    this.#wake?.();
    this.#wake = undefined;
  }
}
