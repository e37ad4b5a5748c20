/** What `ringmq publish` does. */
import { createReadStream, fstatSync, type ReadStream, statSync } from "node:fs";
import type { Body, Client, PublishOptions } from "../../client/index.js";
import { whyUnreadable } from "../../main/unreadable.js";
import { eachLine } from "../line-input.js";
import { INTERRUPTED, stopOnSignals } from "../signals.js";
import { plural } from "../units.js";
import { CommandError } from "./broker-command.js";
import { EXIT } from "./exit-codes.js";
import type { InputFlags } from "./input-flags.js";
import { BadLine, parseJsonLine } from "./json-line.js";
import { say, write, writeJson } from "./output.js";
import { drawPublishBar } from "./publish-bar.js";
import { Sending } from "./sending.js";
import { type AnyReceipt, confirmedBy, type Target } from "./targets.js";

export const STANDARD_INPUT = "-";

export interface PublishingFlags extends InputFlags {
  readonly delay?: number;
  readonly ttl?: number;
  readonly batch?: number;
  readonly messageKey?: string;
  readonly keyWindow?: number;
  readonly json?: boolean;
}

export const publish = async (
  client: Client,
  target: Target,
  bodies: readonly string[],
  flags: PublishingFlags,
): Promise<void> => {
  const options: PublishOptions = {
    routeKey: flags.key,
    delay: flags.delay,
    ttl: flags.ttl,
    headers: flags.header,
    key: flags.messageKey,
    keyWindow: flags.keyWindow,
  };
  if (bodies.length > 0) return publishSome(client, target, bodies, options, flags);
  const isWhole = flags.file !== undefined && !flags.lines && !flags.jsonLines;
  if (!isWhole) return new LinePublishing(client, target, options, flags).run();
  const body = await wholeInput(client, flags.file ?? STANDARD_INPUT);
  return publishSome(client, target, [body], options, flags);
};

/** Those of the command line, or a file: what was confirmed is printed. */
const publishSome = async (
  client: Client,
  target: Target,
  bodies: readonly Body[],
  options: PublishOptions,
  { json = false, batch }: PublishingFlags,
): Promise<void> => {
  const printed: string[] = [];
  const sending = new Sending<AnyReceipt>(client, "number", (_, receipt) => {
    for (const { text, fields } of confirmedBy(receipt)) printed.push(json ? JSON.stringify(fields) : text);
  });
  for (let at = 0, some: readonly Body[]; at < bodies.length; at += some.length) {
    some = bodies.slice(at, at + (batch ?? 1));
    const [only = ""] = some;
    await sending.ready();
    sending.add(
      { first: at + 1, count: some.length, bytes: 0 },
      batch === undefined ? target.publish(only, options) : target.publishBatch(some, options),
    );
  }
  await sending.flush();
  await write(printed.map((line) => `${line}\n`).join(""));
  report(sending);
};

const report = ({ failure, exitCode }: Pick<Sending<never>, "failure" | "exitCode">): void => {
  if (failure !== undefined) throw new CommandError(failure, exitCode);
};

const nameOf = (path: string): string => (path === STANDARD_INPUT ? "standard input" : path);

const unreadable = (path: string, error: unknown): CommandError =>
  new CommandError(`${nameOf(path)} cannot be read: ${whyUnreadable(error)}`, EXIT.usage);

const openInput = (path: string): ReadStream | typeof process.stdin => {
  if (path !== STANDARD_INPUT) return createReadStream(path);
  // To Node.js a directory is empty.
  if (fstatSync(0).isDirectory()) throw unreadable(path, { code: "EISDIR" });
  return process.stdin;
};

/** All of a file, or of standard input: a message that the broker allows. Throws CommandError, and why the broker is lost. */
export const wholeInput = async (client: Client, path: string): Promise<Uint8Array> => {
  const { maxMessageBytes } = client.info.limits;
  const parts: Buffer[] = [];
  let bytes = 0;
  const input = openInput(path);
  let lost: Error | undefined;
  // Whoever writes it may take for ever.
  void client.closed.then((error) => {
    lost = error;
    input.destroy();
  });
  try {
    for await (const part of input as AsyncIterable<Buffer>) {
      bytes += part.length;
      if (bytes > maxMessageBytes) break;
      parts.push(part);
    }
  } catch (error) {
    throw lost ?? unreadable(path, error);
  }
  if (bytes > maxMessageBytes) {
    throw new CommandError(
      `${nameOf(path)} has more than the ${maxMessageBytes} bytes that the broker allows a message`,
    );
  }
  return Buffer.concat(parts);
};

/** Bytes of the input; undefined where it is no file. */
const inputBytes = (path: string): number | undefined => {
  try {
    const stats = path === STANDARD_INPUT ? fstatSync(0) : statSync(path);
    return stats.isFile() ? stats.size : undefined;
  } catch {
    // Opening it will tell why.
    return undefined;
  }
};

class LinePublishing {
  readonly #client: Client;
  readonly #target: Target;
  readonly #options: PublishOptions;
  readonly #flags: PublishingFlags;
  readonly #sending: Sending<AnyReceipt>;
  #lines = 0;
  #batch: Buffer[] = [];
  #durability: string | undefined;
  /** What is to be printed before more is read. */
  #printed: object[] = [];

  constructor(client: Client, target: Target, options: PublishOptions, flags: PublishingFlags) {
    this.#client = client;
    this.#target = target;
    this.#options = options;
    this.#flags = flags;
    const isPrinted = flags.json === true;
    this.#sending = new Sending(
      client,
      "line",
      ({ first }, receipt) => {
        this.#durability ??= receipt.durability;
        if (isPrinted) this.#confirmed(first, receipt);
      },
      ({ first: line }, { message: error }) => {
        if (isPrinted) this.#printed.push({ line, error });
      },
    );
  }

  async run(): Promise<void> {
    const path = this.#flags.file ?? STANDARD_INPUT;
    const begin = performance.now();
    const sending = this.#sending;
    const stopping = stopOnSignals();
    const ended = new AbortController();
    void this.#client.closed.then(() => ended.abort());
    const endBar =
      process.stderr.isTTY && !(path === STANDARD_INPUT && process.stdin.isTTY)
        ? drawPublishBar(inputBytes(path), sending)
        : undefined;
    let unread: string | undefined;
    try {
      const stopped = AbortSignal.any([stopping, ended.signal]);
      unread = await eachLine(openInput(path), stopped, (line) => this.#take(line), nameOf(path));
      this.#sendBatch();
      await sending.flush();
      await this.#print();
    } finally {
      endBar?.();
      // A terminal or a pipe that is read no further would keep the process.
      process.stdin.destroy();
    }
    if (this.#flags.json !== true) {
      const seconds = (performance.now() - begin) / 1_000;
      const level = this.#durability === undefined ? "" : `, confirmed at ${this.#durability}`;
      say(`${plural(sending.done, "message")} published in ${seconds.toFixed(1)} s${level}\n`);
    }
    report(sending);
    if (unread !== undefined) throw new CommandError(unread, this.#lines === 0 ? EXIT.usage : EXIT.failed);
    if (ended.signal.aborted) throw (await this.#client.closed) ?? new CommandError("the connection has ended");
    if (stopping.aborted) process.exitCode = INTERRUPTED;
  }

  #take(line: Buffer): Promise<void> | undefined {
    this.#lines++;
    if (this.#flags.batch === undefined) this.#sendLine(line);
    else if (this.#batch.push(line) >= this.#flags.batch) this.#sendBatch();
    return this.#sending.isReady && this.#printed.length === 0 ? undefined : this.#pause();
  }

  async #pause(): Promise<void> {
    await this.#print();
    await this.#sending.ready();
  }

  #sendLine(line: Buffer): void {
    const sent = { first: this.#lines, count: 1, bytes: line.length + 1 };
    let body: Body = line;
    let options = this.#options;
    if (this.#flags.jsonLines) {
      try {
        ({ body, options } = parseJsonLine(line, options));
      } catch (error) {
        if (!(error instanceof BadLine)) throw error;
        this.#sending.refused(sent, error);
        return;
      }
    }
    this.#sending.add(sent, this.#target.publish(body, options));
  }

  #sendBatch(): void {
    const lines = this.#batch;
    if (lines.length === 0) return;
    this.#batch = [];
    const bytes = lines.reduce((sum, { length }) => sum + length + 1, 0);
    const sent = { first: this.#lines - lines.length + 1, count: lines.length, bytes };
    this.#sending.add(sent, this.#target.publishBatch(lines, this.#options));
  }

  #confirmed(first: number, receipt: AnyReceipt): void {
    for (const [i, { fields }] of confirmedBy(receipt).entries()) this.#printed.push({ line: first + i, ...fields });
  }

  async #print(): Promise<void> {
    const printed = this.#printed;
    if (printed.length === 0) return;
    this.#printed = [];
    await writeJson(...printed);
  }
}
