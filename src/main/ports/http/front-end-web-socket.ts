/** A WebSocket of a front end: from the request to become one to its end. */
import type { Credential } from "../../access/user.js";
import type { Log } from "../../log.js";
import { contain } from "../../native/error-boundary.js";
import type { Admission, Admitted } from "./admission.js";
import type { WebSocketClient, WebSocketCodec } from "./carried.js";
import type { HttpWebSocket, WebSocketPeer } from "./engine.js";
import { EntryRanges } from "./entry-ranges.js";

/** RFC 6455: the broker stops; try again later. */
const GOING_AWAY = 1001;
const TRY_AGAIN_LATER = 1013;

/** What a control frame has room for, beside the code. */
const MAX_REASON_BYTES = 123;

const ignore = (): void => {};

export class FrontEndWebSocket implements WebSocketPeer, WebSocketClient {
  readonly #admission: Admission;
  readonly #reservedBytes: number;
  /** Until it has been opened. */
  #open: ((client: WebSocketClient) => WebSocketCodec) | undefined;
  readonly #log: Log;
  readonly #what: string;
  #socket: HttpWebSocket | undefined;
  #codec: WebSocketCodec | undefined;
  #place: Admitted | undefined;
  /** It takes no more messages. */
  #isClosing = false;
  #isGone = false;
  /** What is gathered for `flush`: one of the two. */
  readonly #entries = new EntryRanges();
  #texts: string[] = [];
  /** Why the broker closes it. */
  #reason: string | undefined;

  /** @param what for the log: the path */
  constructor(
    admission: Admission,
    reservedBytes: number,
    open: (client: WebSocketClient) => WebSocketCodec,
    log: Log,
    what: string,
    readonly credential: Credential | undefined,
  ) {
    this.#admission = admission;
    this.#reservedBytes = reservedBytes;
    this.#open = open;
    this.#log = log;
    this.#what = what;
  }

  // WebSocketPeer: called by the engine.

  opened(socket: HttpWebSocket): void {
    this.#socket = socket;
    try {
      const place = this.#admission.webSocket(this, this.#reservedBytes);
      if (typeof place === "string") return this.close(TRY_AGAIN_LATER, place);
      this.#place = place;
      this.#codec = this.#open?.(this);
      this.#open = undefined;
    } catch (error) {
      this.#failed(error);
    }
  }

  message(bytes: Uint8Array, isBinary: boolean): void {
    const codec = this.#codec;
    if (codec === undefined || this.#isClosing) return;
    try {
      codec.carried.heard();
      codec.message(bytes, isBinary);
    } catch (error) {
      this.#failed(error);
    }
  }

  drained(): void {
    try {
      this.#codec?.carried.drained();
    } catch (error) {
      this.#failed(error);
    }
  }

  unsent(): void {
    try {
      this.#codec?.carried.unsent();
    } catch (error) {
      this.#failed(error);
    }
  }

  closed(): void {
    this.#isGone = true;
    this.#isClosing = true;
    this.#place?.leave();
    this.#tellClosed();
  }

  // SessionClient: called by what is carried.

  get canPause(): boolean {
    return this.#socket?.canPause ?? false;
  }

  unsentBytes(): number {
    return this.#socket?.bufferedBytes ?? 0;
  }

  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  proceed(): void {}

  sweep(): void {}

  blame(text: string): void {
    this.#reason = text;
  }

  end(): void {
    if (this.#isGone) this.#tellClosed();
    else if (this.#reason !== undefined) this.close(TRY_AGAIN_LATER, this.#reason);
    else this.close(GOING_AWAY, "the broker is stopping");
  }

  destroy(): void {
    if (this.#isGone) this.#tellClosed();
    else this.#socket?.close();
  }

  // WebSocketClient: called by the front end.

  get address(): string {
    return this.#socket?.remoteAddress ?? "";
  }

  sendEntries(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    if (this.#texts.length > 0) this.flush();
    if (this.#entries.add(bytes, view, start, end)) return;
    this.flush();
    this.#entries.add(bytes, view, start, end);
  }

  sendText(text: string): void {
    if (this.#entries.bytes !== undefined) this.flush();
    this.#texts.push(text);
  }

  flush(): void {
    if (this.#entries.bytes !== undefined) {
      if (!this.#isClosing) this.#socket?.sendEntries(this.#entries);
      this.#entries.clear();
    }
    if (this.#texts.length === 0) return;
    if (!this.#isClosing) this.#socket?.sendTexts(this.#texts);
    this.#texts = [];
  }

  close(code: number, reason: string): void {
    if (this.#isClosing) return;
    this.flush();
    this.#isClosing = true;
    this.#socket?.end(code, cut(reason));
  }

  /** Again if what is carried had something to finish first, and is to end before it has. */
  #tellClosed(): void {
    try {
      this.#codec?.carried.closed();
    } catch (error) {
      contain(this.#log, this.#what, error, ignore);
    }
  }

  #failed(error: unknown): void {
    contain(this.#log, this.#what, error, () => this.#socket?.close());
  }
}

/** Between characters. */
const cut = (reason: string): string => {
  const bytes = Buffer.from(reason);
  return bytes.length <= MAX_REASON_BYTES ? reason : bytes.toString("utf8", 0, MAX_REASON_BYTES).replace(/\uFFFD$/, "");
};
