/**
 * What becomes of the unanswered requests of a connection when its transport is lost, and of those whose time is over.
 */
import { localError, type RingmqError } from "../base/error.js";
import { ForgottenRequest } from "./forgotten-request.js";
import type { PendingBytes } from "./pending-bytes.js";
import { Patience, type PendingRequest } from "./pending-request.js";
import type { RequestTable } from "./request-table.js";

export class WaitingRequests {
  readonly #pendingBytes: PendingBytes;
  #watchers: (() => void)[] = [];

  constructor(
    readonly requests: RequestTable,
    pendingBytes: PendingBytes,
  ) {
    this.#pendingBytes = pendingBytes;
  }

  /** Resolves when every request has been answered, or has failed. */
  answered(): Promise<void> {
    return new Promise((resolve) => this.#watchers.push(resolve));
  }

  /** Tells those who wait, if there is nothing to wait for any more. */
  check(): void {
    if (this.requests.size > 0 || this.#watchers.length === 0) return;
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const resolve of watchers) resolve();
  }

  /** The transport was lost: those that may be sent again wait for the next one, the others fail. */
  lose(error: RingmqError): void {
    for (const [request, pending] of this.requests.entries()) {
      pending.wasSent ||= pending.isSent;
      pending.isSent = false;
      if (pending.frame === undefined) this.fail(request, pending, error);
    }
  }

  /** Gives up those that are due, `loss` being why there was no transport last. Returns whether any is left with a deadline. */
  giveUp(tick: number, loss: RingmqError | undefined): boolean {
    let isLeft = false;
    for (const [request, pending] of this.requests.entries()) {
      const { deadline, isSent, patience } = pending;
      if (deadline === 0 || (isSent && patience === Patience.UNTIL_SENT)) continue;
      if (deadline > tick) {
        isLeft = true;
        continue;
      }
      if (!isSent) {
        this.fail(request, pending, timedOut(pending, loss));
        continue;
      }
      // Its answer may still come. Until then its frame may be here, written or not, and counts.
      const { pendingBytes } = pending;
      pending.pendingBytes = 0;
      this.fail(request, pending, timedOut(pending, loss));
      this.requests.replace(request, new ForgottenRequest(pendingBytes));
    }
    return isLeft;
  }

  /** Takes back one that has not been sent, which fails with this error. False: it was sent, or answered. */
  withdraw(request: number, error: RingmqError): boolean {
    const pending = this.requests.get(request);
    if (pending === undefined || pending.isSent) return false;
    this.fail(request, pending, error);
    return true;
  }

  /** It fails with this error, and its answer is not waited for. */
  fail(request: number, pending: PendingRequest, error: RingmqError): void {
    this.requests.take(request);
    this.#pendingBytes.release(pending.pendingBytes);
    pending.pendingBytes = 0;
    pending.frame = undefined;
    pending.failed(error);
    this.check();
  }
}

/** `loss`: why there was no transport the last time that there was none. */
const timedOut = ({ patience, isSent, wasSent }: PendingRequest, loss: RingmqError | undefined): RingmqError => {
  const isPublish = patience === Patience.PUBLISH;
  let why = "there was no connection in time: it was not sent";
  if (isSent || wasSent) why = `no answer in time: whether it was ${isPublish ? "stored" : "carried out"} is not known`;
  return localError(isPublish ? "PUBLISH_TIMEOUT" : "ANSWER_TIMEOUT", why, isSent ? undefined : loss?.cause);
};
