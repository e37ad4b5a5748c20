/** Reads the commands of one client, and has them carried out. */
import type { Session } from "../../../native/session.js";
import type { Client, Codec } from "../../../ports/front-end.js";
import { ChannelBody, channelFault, subscribe } from "./channel-commands.js";
import { LineClient, type LineOptions } from "./client.js";
import type { Fault, Generation } from "./errors.js";
import { Lane } from "./lane.js";
import { MAX_ELEMENTS, Mpub } from "./mpub.js";
import { type Part, SkippedBody } from "./part.js";
import { delayFault, Pub, pubFault, pubLine } from "./pub.js";
import { type Command, dead, queue, set } from "./topic-commands.js";
import { keyFault, lineEnd, MAX_LINE_BYTES, topicFault, wholeNumber, wordsOf } from "./words.js";

const COMMANDS = new Map<string, Command>([
  ["set", set],
  ["queue", queue],
  ["dead", dead],
  ["subscribe", subscribe],
  ["ping", () => {}],
  // Nobody is asked, or it is known already who this is.
  ["auth", (client) => client.ok()],
]);

/** The end of the first line of an HTTP request: whoever sends it is no client of this protocol. */
const HTTP_VERSION = /^HTTP\/1\.[01]$/;

export class LineCodec implements Codec {
  readonly #client: LineClient;
  readonly #session: Session;
  readonly #pub: Pub;
  /** Of the queue that was last popped from. */
  #lane: Lane | undefined;
  /** The rest of a command. */
  #part: Part | undefined;

  constructor(session: Session, client: Client, options: LineOptions) {
    this.#client = new LineClient(session, client, options);
    this.#session = session;
    this.#pub = new Pub(this.#client);
  }

  take(bytes: Buffer, start: number, end: number): number {
    if (this.#part !== undefined) return this.#takePart(this.#part, bytes, start, end);
    const lane = this.#lane;
    if (lane !== undefined) {
      const next = lane.take(bytes, start, end);
      if (next > start || this.#session.isBlocked) return next;
    }
    if (this.#pub.matches(bytes, start, end)) return this.#takePub(bytes, start, end);
    const next = lineEnd(bytes, start, end);
    return next < 0 ? this.#unfinished(start, end) : this.#takeLine(bytes, start, next, end);
  }

  closed(): void {
    this.#part?.release();
  }

  #takePart(part: Part, bytes: Buffer, start: number, end: number): number {
    const next = part.take(bytes, start, end);
    if (part.isDone) this.#part = undefined;
    return next;
  }

  /** A line without an end. */
  #unfinished(start: number, end: number): number {
    if (end - start < MAX_LINE_BYTES) return start;
    if (this.#lane?.isIdle === false) {
      this.#lane.holdUntilIdle();
      return start;
    }
    this.#client.refuseAndEnd({ code: "E_INVALID_PARAMS", text: `a line has at most ${MAX_LINE_BYTES} bytes` });
    return end;
  }

  /** The line in [start, next). Answers `start` when it cannot be carried out yet. */
  #takeLine(bytes: Buffer, start: number, next: number, end: number): number {
    const [name = "", ...words] = wordsOf(bytes, start, next);
    // As theirs: an empty line or one without a space ends the connection without a word.
    if (words.length === 0 || HTTP_VERSION.test(words.at(-1) ?? "")) {
      this.#session.end();
      return next;
    }
    if (name === "pop" || name === "ack") return this.#takeLane(name, words, bytes, start, next, end);
    // Pops that are under way may have to wait, and this with them.
    if (this.#lane?.isIdle === false) {
      this.#lane.holdUntilIdle();
      return start;
    }
    switch (name) {
      case "pub":
        return this.#learnPub(words, bytes, start, next, end);
      case "mpub":
        this.#mpub(words);
        return next;
      case "publish":
        this.#publish(words);
        return next;
      default: {
        const command = COMMANDS.get(name);
        if (command !== undefined) command(this.#client, words);
        else this.#client.refuse({ code: "E_INVALID_CMD", text: `unkown cmd: ${name}` });
        return next;
      }
    }
  }

  #learnPub(words: readonly string[], bytes: Buffer, start: number, next: number, end: number): number {
    const line = pubLine(words);
    if (line === undefined) return this.#refuseParams(3, next);
    const late = delayFault(line);
    if (late !== undefined) {
      this.#client.refuseAndEnd(late, line.generation);
      return next;
    }
    const fault = pubFault(line);
    if (fault !== undefined) return this.#skipBody(fault, line.generation, next);
    this.#pub.learn(bytes, start, next, line);
    return this.#takePub(bytes, start, end);
  }

  #takePub(bytes: Buffer, start: number, end: number): number {
    if (this.#lane?.isIdle === false) {
      this.#lane.holdUntilIdle();
      return start;
    }
    const next = this.#pub.take(bytes, start, end);
    if (next > start) return next;
    const large = this.#pub.tooLarge(bytes, start, end);
    if (large === undefined) return start;
    if (large.length > 0) this.#part = new SkippedBody(large.length);
    return large.next;
  }

  #mpub(words: readonly string[]): void {
    if (words.length !== 2) return void this.#refuseParams(2, 0);
    const [topic = "", number = ""] = words;
    const count = wholeNumber(number);
    if (count <= 0 || count > MAX_ELEMENTS) {
      const text = `number of push must be between 1 and ${MAX_ELEMENTS}`;
      return this.#client.refuseAndEnd({ code: "E_INVALID_PUSHNUM", text });
    }
    this.#part = new Mpub(this.#client, topic, count, topicFault(topic));
  }

  #publish(words: readonly string[]): void {
    if (words.length !== 1) return void this.#refuseParams(1, 0);
    const [channel = ""] = words;
    const fault = channelFault(channel, "channel name required");
    if (fault !== undefined) return this.#client.refuseAndEnd(fault);
    this.#part = new ChannelBody(this.#client, channel);
  }

  /** The first command of another queue, or in another form. */
  #takeLane(
    name: "pop" | "ack",
    words: readonly string[],
    bytes: Buffer,
    start: number,
    next: number,
    end: number,
  ): number {
    if (this.#lane?.isIdle === false) {
      this.#lane.holdUntilIdle();
      return start;
    }
    const isAck = name === "ack";
    const most = isAck ? 3 : 2;
    if (words.length !== most && words.length !== most - 1) return this.#refuseParams(most, next);
    const generation: Generation = words.length === most ? 3 : 2;
    const [topic = "", bindKey = ""] = isAck ? words.slice(1) : words;
    const fault = topicFault(topic) ?? keyFault("bind key", bindKey);
    if (fault !== undefined) {
      // Theirs closes behind a pop without a topic, and dies of an ack without one.
      if (isAck || topic !== "") this.#client.refuse(fault, generation);
      else this.#client.refuseAndEnd({ code: "E_INVALID_PARAMS", text: "topic name required." }, generation);
      return next;
    }
    const tail = bytes.subarray(tailAt(bytes, start, isAck ? 2 : 1), next);
    this.#lane = new Lane(this.#client, { topic, bindKey, generation }, new Uint8Array(tail));
    const taken = this.#lane.take(bytes, start, end);
    if (taken > start) return taken;
    // The id is none.
    this.#lane.ackNothing();
    return next;
  }

  #skipBody(fault: Fault, generation: Generation, next: number): number {
    this.#client.refuse(fault, generation);
    this.#part = new SkippedBody();
    return next;
  }

  #refuseParams(count: number, next: number): number {
    this.#client.refuseAndEnd({ code: "E_INVALID_PARAMS", text: `${count} parameters required` });
    return next;
  }
}

/** Where the space in front of a word stands. */
const tailAt = (bytes: Buffer, start: number, word: number): number => {
  let at = start;
  for (let i = 0; i < word; i++) at = bytes.indexOf(SPACE, at) + 1;
  return at - 1;
};

const SPACE = 0x20;
