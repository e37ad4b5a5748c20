/**
 * The last messages of a channel as the page shows them: a bounded list, whatever the channel does.
 *
 * What comes is only counted and put aside; what is to be seen is copied when the page is about to be drawn, so that of ten thousand
 * messages a second the last few hundred cost something.
 */
import type { ChannelMessage } from "ringmq/client";

/** Bytes of a body that are kept; the rest is cut off. */
export const MOST_BODY = 65_536;

export interface TailLine {
  /** Counts what has come: no two lines have the same. */
  readonly number: number;
  readonly position: number;
  /** Of a message of a kept channel. */
  readonly id: string | undefined;
  /** When it was published, where the channel is kept; otherwise when it came. Milliseconds since 1970. */
  readonly time: number;
  /** Bytes of the body. */
  readonly size: number;
  /** The beginning of it. */
  readonly body: Uint8Array;
  readonly readHeaders: () => Readonly<Record<string, unknown>>;
}

/** What is asked of a message. */
export type TailMessage = Pick<ChannelMessage, "position" | "id" | "time" | "body" | "headers">;

interface Arrival {
  readonly number: number;
  readonly message: TailMessage;
  readonly time: number;
}

const headersReader = (message: TailMessage): TailLine["readHeaders"] => {
  try {
    const { headers } = message;
    return () => headers;
  } catch (error) {
    return () => {
      throw error;
    };
  }
};

/** The message itself is let go: with it, it would keep all that came together with it. */
const lineOf = ({ number, message, time }: Arrival): TailLine => {
  const { position, id, body } = message;
  const copy = body.slice(0, MOST_BODY);
  return {
    number,
    position,
    id,
    time: message.time ?? time,
    size: body.length,
    body: copy,
    readHeaders: headersReader(message),
  };
};

const decoder = new TextDecoder();

/** What is searched of a message: its body as text, as far as it is kept, and its headers. */
const contentOf = ({ body, readHeaders }: Pick<TailLine, "body" | "readHeaders">): string => {
  const text = decoder.decode(body.subarray(0, MOST_BODY));
  try {
    return `${text} ${JSON.stringify(readHeaders(), (_, value) => (typeof value === "bigint" ? String(value) : value))}`;
  } catch {
    return text;
  }
};

export class TailBuffer {
  /** Messages that have come, and that the filter has let through. */
  passed = 0;
  matched = 0;
  /** What is shown, in the order in which it came. */
  lines: readonly TailLine[] = [];
  readonly #most: number;
  #arrived: Arrival[] = [];
  #filter = "";

  /** `most`: lines that are shown, the last ones. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Only messages that contain this text, in whichever case: what comes, and what is shown already. Empty: all. */
  set filter(text: string) {
    this.#filter = text.toLowerCase();
    this.show();
    this.lines = this.lines.filter((line) => this.#fits(line));
  }

  /** A message has come, at this time. */
  add(message: TailMessage, time: number): void {
    const number = this.passed++;
    if (this.#filter !== "" && !this.#fits({ body: message.body, readHeaders: headersReader(message) })) return;
    this.matched++;
    this.#arrived.push({ number, message, time });
    // Cut down when there are twice as many, so that each costs little.
    if (this.#arrived.length >= 2 * this.#most) this.#arrived = this.#arrived.slice(-this.#most);
  }

  /** Takes what has come since the last time into the lines. */
  show(): void {
    if (this.#arrived.length === 0) return;
    const newer = this.#arrived.slice(-this.#most).map(lineOf);
    this.#arrived = [];
    this.lines = [...this.lines, ...newer].slice(-this.#most);
  }

  /** What has come since is not shown any more. */
  skip(): void {
    this.#arrived = [];
  }

  /** Forgets the lines; counts go on. */
  clear(): void {
    this.#arrived = [];
    this.lines = [];
  }

  #fits(content: Pick<TailLine, "body" | "readHeaders">): boolean {
    return this.#filter === "" || contentOf(content).toLowerCase().includes(this.#filter);
  }
}
