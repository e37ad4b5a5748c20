/**
 * Looking for messages in a queue: FIND, answer by answer.
 */
import { ProtocolError } from "../../protocol/errors.js";
import { unpackHead } from "../../protocol/head.js";
import { DEFAULT_KEY, MAX_BROWSE, MAX_FIND_TEXT } from "../../protocol/limits.js";
import { Op, WITH_FAILURES } from "../../protocol/op.js";
import { badArgument, checkFlag } from "../arguments/argument-checks.js";
import { readOptions } from "../arguments/option-reader.js";
import type { FindOptions, MessageState } from "../arguments/options.js";
import { RequestChecks } from "../arguments/request-checks.js";
import { REQUEST_OPTIONS } from "../arguments/request-options.js";
import { checkChoice, checkWhole } from "../arguments/value-checks.js";
import { INSPECT, type Inspect, inspected } from "../base/inspection.js";
import { look } from "../connection/ask.js";
import type { Connection } from "../connection/connection.js";
import { PromisedRequest } from "../connection/pending-request.js";
import type { Run } from "./run.js";
import { StoredMessage, storedMessages } from "./stored-message.js";

const STATES: readonly string[] = ["ready", "delayed", "in-flight", "dead", "all"];
const MAX_U32 = 0xffff_ffff;

/** A message that was found in a queue. */
export class LocatedMessage extends StoredMessage {
  constructor(
    run: Run,
    index: number,
    at: number,
    /** The bind key of the queue. */
    readonly queue: string,
    readonly state: MessageState,
  ) {
    super(run, index, at);
  }

  /** The body is in it as text. */
  override toJSON(): object {
    return { queue: this.queue, state: this.state, ...super.toJSON() };
  }
}

interface Answer {
  readonly cursor: string | undefined;
  readonly scanned: number;
  readonly scannedBytes: number;
  readonly messages: LocatedMessage[];
}

/** Where an answer lies: its head, and its runs behind that. */
class FindRequest extends PromisedRequest<Answer> {
  constructor(readonly queue: string) {
    super();
  }

  override messages(bytes: Uint8Array, view: DataView, start: number, end: number, headStart: number): void {
    const [cursor, scanned, scannedBytes, state] = unpackHead(bytes, headStart, start);
    const isCursor = typeof cursor === "string" || cursor === null || cursor === undefined;
    if (!isCursor || !Number.isSafeInteger(scanned) || !Number.isSafeInteger(scannedBytes)) {
      throw new ProtocolError("BAD_FRAME", "the answer to a FIND does not tell how far it is");
    }
    const make = (run: Run, index: number, at: number): LocatedMessage =>
      new LocatedMessage(run, index, at, this.queue, state as MessageState);
    this.resolve({
      cursor: cursor ?? undefined,
      scanned: Number(scanned),
      scannedBytes: Number(scannedBytes),
      messages: storedMessages(bytes, view, start, end, make),
    });
  }
}

/** Throws BAD_ARGUMENT. */
const readHeader = (header: FindOptions["header"]): { header?: string; value?: string | undefined } => {
  if (header === undefined) return {};
  const { name, value } = readOptions(header, REQUEST_OPTIONS.header);
  checkText("header.name", name, 1);
  if (value !== undefined) checkText("header.value", value, 0);
  return { header: name, value };
};

const checkText = (what: string, value: unknown, min: number): void => {
  const length = typeof value === "string" ? new TextEncoder().encode(value).length : -1;
  if (length < min || length > MAX_FIND_TEXT)
    throw badArgument(what, value, `a text of ${min} to ${MAX_FIND_TEXT} bytes`);
};

/**
 * A search of the messages of a queue, made by `client.find`. Iterating it gives what is found, as soon as the broker has found it.
 * Each message that stays where it is meanwhile is looked at once; one that moves, as by being delivered, may be missed or come
 * twice. Its promises reject as those of the client do, and with CURSOR_LOST when the broker was started anew meanwhile.
 */
export class MessageSearch implements AsyncIterable<LocatedMessage> {
  readonly topic: string;
  readonly queue: string;
  /** Messages that were looked at so far, and their bytes. */
  scanned = 0;
  scannedBytes = 0;
  /** All were looked at. */
  isOver = false;
  /** Where to go on, for another search with the same options: see `FindOptions.from`. Undefined at the beginning and at the end. */
  cursor: string | undefined;
  readonly #connection: Connection;
  readonly #head: readonly unknown[];
  readonly #conditions: object;
  readonly #maxScanned: number;

  /** @internal */
  constructor(connection: Connection, topic: string, options: FindOptions = {}) {
    const checks = new RequestChecks(connection.info.limits.maxNameBytes);
    const { queue, state, header, text, ignoreCase, routeKey, max, maxBytes, maxScanned, from } = checks.topic(
      topic,
      options,
      REQUEST_OPTIONS.find,
    );
    checkChoice("state", state, STATES);
    checks.key("routeKey", routeKey);
    checkWhole("max", max, 1, MAX_BROWSE);
    checkWhole("maxBytes", maxBytes, 1, MAX_U32);
    checkWhole("maxScanned", maxScanned, 1, Number.MAX_SAFE_INTEGER);
    if (from !== undefined && typeof from !== "string") throw badArgument("from", from, "the cursor of a search");
    if (text instanceof Uint8Array ? text.length < 1 || text.length > MAX_FIND_TEXT : text !== undefined) {
      checkText("text", text, 1);
    }
    checkFlag("ignoreCase", ignoreCase);
    if (ignoreCase !== undefined && text === undefined) throw badArgument("text", text, "there with ignoreCase");
    this.#connection = connection;
    this.topic = topic;
    this.queue = queue || DEFAULT_KEY;
    this.#head = [topic, queue, state, max, maxBytes];
    // Bytes of the program's may change.
    const wanted = text instanceof Uint8Array ? new Uint8Array(text) : text;
    const conditions = { ...readHeader(header), text: wanted, ignoreCase, routeKey };
    this.#conditions = Object.fromEntries(Object.entries(conditions).filter(([, value]) => value !== undefined));
    this.#maxScanned = maxScanned ?? Number.POSITIVE_INFINITY;
    this.cursor = from;
  }

  /**
   * What the broker finds next: at most `max` messages, perhaps none although there are more to look at. It answers at the latest
   * when it has looked at 100,000 messages, or 64 MiB of them. None either when the search is over.
   */
  async page(): Promise<LocatedMessage[]> {
    if (this.isOver) return [];
    const head = [...this.#head, this.cursor, this.#conditions];
    const pending = new FindRequest(this.queue);
    const { cursor, scanned, scannedBytes, messages } = await look(
      this.#connection,
      Op.FIND,
      head,
      pending,
      WITH_FAILURES,
    );
    this.scanned += scanned;
    this.scannedBytes += scannedBytes;
    this.cursor = cursor;
    this.isOver = cursor === undefined;
    return messages;
  }

  /** It ends when the search is over, or `maxScanned` messages were looked at: see `isOver`. */
  async *[Symbol.asyncIterator](): AsyncIterator<LocatedMessage> {
    while (!this.isOver && this.scanned < this.#maxScanned) yield* await this.page();
  }

  [INSPECT](_depth: number, options: unknown, inspect: Inspect): string {
    const { topic, queue, scanned, scannedBytes, isOver, cursor } = this;
    return inspected("MessageSearch", { topic, queue, scanned, scannedBytes, isOver, cursor }, options, inspect);
  }
}
