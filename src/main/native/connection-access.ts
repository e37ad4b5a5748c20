/** Who is behind a connection, and whether that user may do what a request asks for: every request is judged here, of every protocol. */
import { HEAD, LENGTH, LENGTH_BYTES, OP } from "../../protocol/frame.js";
import { HeadCursor, Kind } from "../../protocol/head-cursor.js";
import { readText } from "../../protocol/text.js";
import type { Access } from "../access/access.js";
import { isPublish, NEEDS_BY_OP, Permission } from "../access/permissions.js";
import type { Credential, User } from "../access/user.js";
import { HeadCache } from "./head-cache.js";
import { publishedMessages } from "./published-messages.js";

export const Verdict = { ALLOWED: 0, FORBIDDEN: 1, NAMELESS: 2, TOO_FAST: 3 } as const;

/**
 * How far ahead of its limits a user may be, in milliseconds: what comes in one read is taken, and then it is not read until that
 * is made up for. Further ahead it is refused: else each new connection would bring another read's worth.
 */
const MAX_AHEAD = 60_000;

/** A head is read at once: one serves all connections. */
const cursor = new HeadCursor();

export class ConnectionAccess {
  /** Milliseconds for which the connection should not be read, since its user has published more than it may. */
  wait = 0;
  readonly #access: Access;
  readonly #credential: Credential;
  readonly #user: User;
  readonly #canPause: boolean;
  #heads = new HeadCache();
  #generation: number;

  /** `canPause`: whoever publishes too fast is read no further, up to `MAX_AHEAD`; otherwise refused. */
  constructor(access: Access, credential: Credential, canPause: boolean) {
    this.#access = access;
    this.#credential = credential;
    this.#user = credential.user;
    this.#canPause = canPause;
    this.#generation = this.#user.generation;
  }

  get user(): User {
    return this.#user;
  }

  /** The connection is to be closed. */
  get isOver(): boolean {
    return this.#access.isOver(this.#credential);
  }

  /** What becomes of the whole frame at `start`: a `Verdict`. The same whether or not there is such a topic. */
  judge(bytes: Uint8Array, view: DataView, start: number): number {
    const word = view.getUint32(start + OP);
    const need = NEEDS_BY_OP[word >>> 24] ?? 0;
    if (need === 0) return Verdict.ALLOWED;
    if (need === Permission.operate) return this.#user.mayOperate ? Verdict.ALLOWED : Verdict.FORBIDDEN;
    if (this.#generation !== this.#user.generation) this.#forget();
    const head = start + HEAD;
    const headEnd = head + (word & 0xffff);
    let rights = this.#heads.recall(view, head, headEnd);
    if (rights < 0) {
      rights = this.#rightsOf(bytes, view, head, headEnd);
      if (rights < 0) return Verdict.NAMELESS;
      this.#heads.remember(view, head, headEnd, rights);
    }
    if ((rights & need) === 0) return Verdict.FORBIDDEN;
    return this.#user.isMetered && isPublish(word >>> 24) ? this.#meter(view, start) : Verdict.ALLOWED;
  }

  /** Milliseconds until the user may publish again; 0: it may. */
  publishWait(): number {
    return this.#user.publishWait(this.#access.now());
  }

  /** The permissions have changed. */
  #forget(): void {
    this.#heads = new HeadCache();
    this.#generation = this.#user.generation;
  }

  /** To what the head names; -1: to nothing that has a name. */
  #rightsOf(bytes: Uint8Array, view: DataView, head: number, headEnd: number): number {
    try {
      cursor.begin(view, head, headEnd);
      cursor.next();
    } catch {
      return -1;
    }
    // As the shard reads it, so that both mean the same topic.
    return cursor.kind === Kind.STRING ? this.#user.rightsTo(readText(bytes, cursor.start, cursor.end)) : -1;
  }

  #meter(view: DataView, start: number): number {
    const now = this.#access.now();
    const ahead = this.#user.publishWait(now);
    if (ahead > (this.#canPause ? MAX_AHEAD : 0)) {
      this.wait = ahead;
      return Verdict.TOO_FAST;
    }
    const messages = this.#user.countsMessages ? publishedMessages(view, start) : 0;
    this.#user.publishes(messages, LENGTH_BYTES + view.getUint32(start + LENGTH), now);
    this.wait = this.#user.publishWait(now);
    return Verdict.ALLOWED;
  }
}
