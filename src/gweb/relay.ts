/**
 * The native protocol between a page and a node: each binary message goes on as it came. Neither side is read faster than the other
 * takes it, so no more is held than one message and what is buffered below.
 */
import { WebSocket } from "ws";
import type { Log } from "../main/log.js";
import { contain } from "../main/native/error-boundary.js";
import { errorFrame } from "../main/native/local-answers.js";
import type { HttpWebSocket, WebSocketPeer } from "../main/ports/http/engine.js";
import type { ErrorName } from "../protocol/errors.js";
import { MAX_FRAME_BYTES } from "../protocol/limits.js";

/** Bytes that one side has not taken, above which the other is not read, and below which it is again. */
const MAX_BUFFERED = 1024 * 1024;
const FEW_BUFFERED = MAX_BUFFERED / 4;

/** What a page may send before its node has answered: what was read of its socket when that was paused. */
const MAX_EARLY_BYTES = 256 * 1024;

/** Milliseconds for a node to accept, however it spends them. */
const CONNECT_TIME = 5_000;

/** RFC 6455: a normal end; the other side goes; a kind of data that is not accepted; try again later. */
const NORMAL = 1000;
const GOING_AWAY = 1001;
const UNSUPPORTED_DATA = 1003;
const TRY_AGAIN_LATER = 1013;

/** Where a page is to be connected to. */
export interface RelayTarget {
  readonly url: string;
  /** Shown to the node. */
  readonly token: string | undefined;
  /** The authorities of the node's certificate, where they are others than Node's own. */
  readonly ca: Buffer | undefined;
}

/** Why there is none. */
export class NoTarget extends Error {
  constructor(
    readonly kind: ErrorName,
    text: string,
  ) {
    super(text);
  }
}

export class Relay implements WebSocketPeer {
  readonly #find: () => Promise<RelayTarget>;
  readonly #ended: () => void;
  readonly #log: Log;
  #page: HttpWebSocket | undefined;
  #node: WebSocket | undefined;
  /** Before the node is there. */
  #early: Buffer[] | undefined = [];
  #earlyBytes = 0;
  #isPagePaused = false;
  #isOver = false;

  /**
   * @param find is called once, when the page is there; rejects with a NoTarget
   * @param ended is called once, when the page has gone
   */
  constructor(find: () => Promise<RelayTarget>, ended: () => void, log: Log) {
    this.#find = find;
    this.#ended = ended;
    this.#log = log;
  }

  // WebSocketPeer: of the page.

  opened(socket: HttpWebSocket): void {
    this.#page = socket;
    this.#pausePage();
    this.#find().then(
      (target) => this.#contained(() => this.#connect(target)),
      (error: unknown) => {
        if (error instanceof NoTarget) this.#refuse(error.kind, error.message);
        else contain(this.#log, "a relay", error, () => this.close());
      },
    );
  }

  message(bytes: Uint8Array, isBinary: boolean): void {
    if (this.#isOver) return;
    if (!isBinary) return this.#end(UNSUPPORTED_DATA, "frames are binary messages");
    // The bytes are the engine's again.
    const message = Buffer.from(bytes);
    if (this.#early === undefined) return this.#toNode(message);
    this.#early.push(message);
    this.#earlyBytes += message.length;
    if (this.#earlyBytes > MAX_EARLY_BYTES)
      this.#end(UNSUPPORTED_DATA, "too much was sent before the node had answered");
  }

  drained(): void {
    if (this.#node?.isPaused && (this.#page?.bufferedBytes ?? 0) <= FEW_BUFFERED) this.#node.resume();
  }

  unsent(): void {}

  closed(): void {
    this.#isOver = true;
    this.#early = undefined;
    this.#leaveNode();
    this.#ended();
  }

  /** Ends both sides. */
  close(): void {
    this.#end(GOING_AWAY, "the console closes it");
  }

  #connect({ url, token, ca }: RelayTarget): void {
    if (this.#isOver) return;
    const node = new WebSocket(url, {
      perMessageDeflate: false,
      maxPayload: MAX_FRAME_BYTES,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      ...(ca !== undefined && { ca }),
    });
    this.#node = node;
    let failure: string | undefined;
    // That of ws begins anew with each byte that comes.
    const limit = setTimeout(() => {
      failure = `it did not accept within ${CONNECT_TIME} ms`;
      node.terminate();
    }, CONNECT_TIME);
    node.on("open", () => {
      clearTimeout(limit);
      this.#connected();
    });
    node.on("message", (data: Buffer, isBinary: boolean) => {
      if (isBinary) this.#toPage(data);
    });
    node.on("error", ({ message }) => {
      failure ??= message;
    });
    node.on("close", (code) => {
      clearTimeout(limit);
      const reason = failure ?? "it closed the connection";
      if (this.#early !== undefined) this.#refuse("SHUTTING_DOWN", `the node cannot be reached: ${reason}`);
      else this.#end(code === NORMAL ? NORMAL : GOING_AWAY, "the node closed the connection");
    });
  }

  #connected(): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const message of early) this.#toNode(message);
    this.#resumePage();
  }

  #toNode(message: Buffer): void {
    const node = this.#node;
    if (node?.readyState !== WebSocket.OPEN) return;
    node.send(message, () => {
      if (node.bufferedAmount <= FEW_BUFFERED) this.#resumePage();
    });
    if (node.bufferedAmount > MAX_BUFFERED) this.#pausePage();
  }

  #toPage(message: Buffer): void {
    const page = this.#page;
    if (page === undefined || this.#isOver) return;
    page.send(message, wholeMessage);
    if (page.bufferedBytes > MAX_BUFFERED) this.#node?.pause();
  }

  #pausePage(): void {
    if (this.#isPagePaused) return;
    this.#isPagePaused = true;
    this.#page?.pause();
  }

  #resumePage(): void {
    if (!this.#isPagePaused) return;
    this.#isPagePaused = false;
    this.#page?.resume();
  }

  /** As the node itself would, so that the page shows it. */
  #refuse(kind: ErrorName, text: string): void {
    if (this.#isOver) return;
    this.#page?.send(errorFrame(kind, text, 0), wholeMessage);
    this.#end(TRY_AGAIN_LATER, text);
  }

  #end(code: number, reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#early = undefined;
    this.#page?.end(code, reason.slice(0, MAX_REASON));
    this.#leaveNode();
  }

  /** What it was sent is on its way. */
  #leaveNode(): void {
    const node = this.#node;
    if (node?.readyState !== WebSocket.OPEN) return node?.terminate();
    // Its close frame has to be read.
    node.resume();
    node.close(NORMAL);
  }

  #contained(work: () => void): void {
    try {
      work();
    } catch (error) {
      contain(this.#log, "a relay", error, () => this.close());
    }
  }
}

/** In characters, of a control frame's 123 bytes: reasons may be of others. */
const MAX_REASON = 40;

const wholeMessage = (bytes: Buffer): number => bytes.length;
