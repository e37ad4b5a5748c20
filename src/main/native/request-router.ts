/**
 * Where each frame of a client goes: to a shard, or to the main thread, which answers it itself. Of a frame for a shard
 * only the header and the first element of its head are read.
 */
import { type ErrorName, ProtocolError } from "../../protocol/errors.js";
import { HEAD, OP, REQUEST } from "../../protocol/frame.js";
import { HeadCursor, Kind } from "../../protocol/head-cursor.js";
import { MAX_NAME_BYTES } from "../../protocol/limits.js";
import { Op } from "../../protocol/op.js";
import { readText } from "../../protocol/text.js";
import { NO_ROUTE, type Router } from "../shards/router.js";
import { type ConnectionAccess, Verdict } from "./connection-access.js";
import type { ConsumerLedger } from "./consumer-ledger.js";
import { HERE } from "./frame-intake.js";
import { type Greeting, readHello } from "./handshake.js";
import { HeadCache } from "./head-cache.js";
import { KINDS_BEFORE_HELLO, REQUEST_KINDS, RequestKind } from "./request-kind.js";
import { Admission, NO_SHARD, type RequestWindow } from "./request-window.js";

/** The requests that the main thread answers itself, and what it refuses. */
export interface LocalRequests {
  /** Requests for shards are to be refused: too much input waits, of this connection or of all. */
  readonly isOverloaded: boolean;
  hello(greeting: Greeting, request: number): void;
  ping(request: number): void;
  /** About the broker itself. `head` is good until this returns. The request is in the window until it is answered. */
  administer(op: number, head: Uint8Array, request: number): void;
  /** A whole frame about calls, good until this returns. The request is in the window until it is answered, if it is not 0. */
  call(op: number, request: number, bytes: Uint8Array, view: DataView, start: number): void;
  /** Answers with an error, and closes the connection if it is one that does. */
  fail(kind: ErrorName, text: string, request: number): void;
}

/** The same whether or not there is what was asked about. */
const FORBIDDEN = "your permissions do not allow this";

const TOO_FAST = "more is published than your limits allow, try again later";

/** A head is read at once: one serves all connections. */
const cursor = new HeadCursor();

export class RequestRouter {
  /** Judges every request. Undefined: nobody is asked who it is, or it has not said yet; before HELLO there is no other request. */
  access: ConnectionAccess | undefined;
  readonly #local: LocalRequests;
  readonly #router: Router;
  readonly #window: RequestWindow;
  readonly #ledger: ConsumerLedger;
  readonly #heads = new HeadCache();
  #kinds: Readonly<Uint8Array>;

  constructor(
    local: LocalRequests,
    router: Router,
    window: RequestWindow,
    ledger: ConsumerLedger,
    hasSaidHello: boolean,
  ) {
    this.#local = local;
    this.#router = router;
    this.#window = window;
    this.#ledger = ledger;
    this.#kinds = hasSaidHello ? REQUEST_KINDS : KINDS_BEFORE_HELLO;
  }

  /** HELLO has been said, or is not waited for. */
  get isGreeted(): boolean {
    return this.#kinds === REQUEST_KINDS;
  }

  /** The shard that the whole frame at `start` goes to, or HERE when it goes nowhere. */
  route(bytes: Uint8Array, view: DataView, start: number): number {
    const word = view.getUint32(start + OP);
    const request = view.getUint32(start + REQUEST);
    const kind = this.#kinds[word >>> 24] ?? RequestKind.UNKNOWN;
    if (this.access !== undefined) {
      const verdict = this.access.judge(bytes, view, start);
      if (verdict !== Verdict.ALLOWED) return this.#turnDown(verdict, request);
    }
    if (kind !== RequestKind.ROUTED || request === 0 || this.#local.isOverloaded) {
      return this.#routeOther(kind, request, bytes, view, start);
    }
    const head = start + HEAD;
    const shard = this.#shardOf(bytes, view, head, head + (word & 0xffff));
    return shard === NO_ROUTE ? this.#badHead(request) : this.#admit(request, shard);
  }

  /** All other cases. */
  #routeOther(kind: number, request: number, bytes: Uint8Array, view: DataView, start: number): number {
    const word = view.getUint32(start + OP);
    const head = start + HEAD;
    const headEnd = head + (word & 0xffff);
    if (kind === RequestKind.HELLO) return this.#greet(request, bytes.subarray(head, headEnd));
    if (this.#kinds === KINDS_BEFORE_HELLO)
      return this.#refuse("HANDSHAKE_REQUIRED", "the first frame is HELLO", request);
    if (kind === RequestKind.UNKNOWN)
      return this.#refuse("UNKNOWN_OP", `no request has the op ${word >>> 24}`, request);
    if (kind === RequestKind.CALL_NOTE) return this.#call(word >>> 24, 0, bytes, view, start);
    if (kind === RequestKind.UNANSWERED) return this.#routeUnanswered(bytes, view, head, headEnd);
    if (request === 0) return this.#refuse("BAD_FRAME", "a request's number is not 0", request);
    if (kind === RequestKind.PING) return this.#ping(request);
    if (kind === RequestKind.CALL) {
      return this.#admit(request, NO_SHARD) === HERE ? HERE : this.#call(word >>> 24, request, bytes, view, start);
    }
    if (kind === RequestKind.BROKER) return this.#administer(word >>> 24, bytes.subarray(head, headEnd), request);
    if (this.#local.isOverloaded) return this.#refuse("BUSY", "too much input waits for the shards", request);

    const shard = this.#shardOf(bytes, view, head, headEnd);
    if (shard === NO_ROUTE) return this.#badHead(request);
    const to = this.#admit(request, shard);
    if (kind === RequestKind.LASTING && to !== HERE) {
      this.#keepTrack(word >>> 24, request, shard, bytes.subarray(head, headEnd));
    }
    return to;
  }

  /** Passes even under overload: it is small, and its client would not learn of a refusal. */
  #routeUnanswered(bytes: Uint8Array, view: DataView, head: number, headEnd: number): number {
    const shard = this.#shardOf(bytes, view, head, headEnd);
    return shard === NO_ROUTE ? this.#badHead(0) : shard;
  }

  #shardOf(bytes: Uint8Array, view: DataView, start: number, end: number): number {
    // To read the first element costs less than to compare heads; only its hash costs more.
    if (this.#router.shards === 1) return this.#router.route(bytes, view, start, end);
    const known = this.#heads.recall(view, start, end);
    if (known >= 0) return known;
    const shard = this.#router.route(bytes, view, start, end);
    if (shard !== NO_ROUTE) this.#heads.remember(view, start, end, shard);
    return shard;
  }

  #admit(request: number, shard: number): number {
    if (this.#ledger.isConsumer(request)) return this.#duplicate(request);
    const admission = this.#window.add(request, shard);
    if (admission === Admission.TAKEN) return shard;
    if (admission === Admission.DUPLICATE) return this.#duplicate(request);
    return this.#refuse("TOO_MANY_IN_FLIGHT", `${this.#window.maxInFlight} requests are unanswered`, request);
  }

  #greet(request: number, head: Uint8Array): number {
    if (this.#kinds === REQUEST_KINDS) return this.#refuse("HANDSHAKE_REQUIRED", "HELLO is said once", request);
    try {
      const greeting = readHello(head);
      this.#kinds = REQUEST_KINDS;
      this.#local.hello(greeting, request);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#local.fail(error.kind, error.message, request);
    }
    return HERE;
  }

  #ping(request: number): number {
    if (this.#window.has(request) || this.#ledger.isConsumer(request)) return this.#duplicate(request);
    this.#local.ping(request);
    return HERE;
  }

  #administer(op: number, head: Uint8Array, request: number): number {
    if (this.#admit(request, NO_SHARD) !== HERE) this.#local.administer(op, head, request);
    return HERE;
  }

  #call(op: number, request: number, bytes: Uint8Array, view: DataView, start: number): number {
    this.#local.call(op, request, bytes, view, start);
    return HERE;
  }

  /** Notes what a request will begin or end. A head that makes no sense is the shard's to refuse. */
  #keepTrack(op: number, request: number, shard: number, bytes: Uint8Array): void {
    if (op === Op.CONSUME) return this.#ledger.expect(request, { kind: "consume", shard });
    try {
      cursor.begin(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length);
      cursor.next();
      if (op === Op.STOP) {
        cursor.next();
        cursor.next();
        if (cursor.kind === Kind.NUMBER) this.#ledger.expect(request, { kind: "stop", consumer: cursor.number });
        return;
      }
    } catch {
      return;
    }
    const { kind, start, end } = cursor;
    // The shard will refuse a longer one; until then it would take up memory here.
    if (kind !== Kind.STRING || end - start > MAX_NAME_BYTES) return;
    const channel = readText(bytes, start, end);
    if (op === Op.SUBSCRIBE) this.#ledger.expect(request, { kind: "subscribe", shard, channel });
    else this.#ledger.expect(request, { kind: "unsubscribe", channel });
  }

  #turnDown(verdict: number, request: number): number {
    if (verdict === Verdict.NAMELESS) return this.#badHead(request);
    if (verdict === Verdict.TOO_FAST) return this.#refuse("BUSY", TOO_FAST, request);
    return this.#refuse("FORBIDDEN", FORBIDDEN, request);
  }

  #badHead(request: number): number {
    return this.#refuse("BAD_HEAD", "a head begins with a name, or with the number of a shard there is", request);
  }

  #duplicate(request: number): number {
    return this.#refuse("DUPLICATE_REQUEST", `request ${request} is still unanswered, or that of a consumer`, request);
  }

  #refuse(kind: ErrorName, text: string, request: number): number {
    this.#local.fail(kind, text, request);
    return HERE;
  }
}
