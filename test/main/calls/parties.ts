/** Connections of calls that write down what they are told. */

import type { CallParty } from "../../../src/main/calls/call-party.js";
import type { CallMember } from "../../../src/main/calls/call-state.js";
import { Calls } from "../../../src/main/calls/calls.js";
import type { ErrorName } from "../../../src/protocol/errors.js";

/** What a connection was told, with the message as text. */
export type Told =
  | { readonly told: "confirmed"; readonly request: number; readonly count: number }
  | { readonly told: "failed"; readonly request: number; readonly kind: ErrorName }
  | { readonly told: "replied"; readonly request: number; readonly text: string }
  | { readonly told: "responderFailed"; readonly request: number; readonly name: string; readonly text: string }
  | {
      readonly told: "called";
      readonly responder: number;
      readonly call: number;
      readonly left: number;
      readonly text: string;
    }
  | { readonly told: "abandoned"; readonly responder: number; readonly call: number; readonly reason: ErrorName };

const text = (bytes: Uint8Array, start: number, end: number): string =>
  new TextDecoder().decode(bytes.subarray(start, end));

export class TestParty implements CallParty {
  readonly member: CallMember;
  #told: Told[] = [];

  constructor(
    readonly calls: Calls,
    /** The time, which is the test's. */
    readonly time: { now: number },
  ) {
    this.member = calls.join(this);
  }

  /** What it was told since the last look. */
  take(): Told[] {
    const told = this.#told;
    this.#told = [];
    return told;
  }

  /** The numbers of the calls that it was given since the last look; whatever else it was told is dropped. */
  takeCalls(): number[] {
    return this.take().flatMap((told) => (told.told === "called" ? [told.call] : []));
  }

  respond(request: number, channel: string, credit = 1): boolean {
    return this.calls.respond(this.member, request, channel, credit, this.time.now);
  }

  stop(request: number, channel: string, responder: number): boolean {
    return this.calls.stop(this.member, request, channel, responder);
  }

  call(request: number, channel: string, { body = "?", timeout = 1_000 } = {}): void {
    const bytes = new TextEncoder().encode(body);
    this.calls.call(this.member, request, channel, timeout, bytes, 0, bytes.length, this.time.now);
  }

  reply(call: number, body = "!"): void {
    const bytes = new TextEncoder().encode(body);
    this.calls.reply(this.member, call, bytes, 0, bytes.length, this.time.now);
  }

  fail(call: number, name: string, message: string): void {
    this.calls.fail(this.member, call, name, message, this.time.now);
  }

  abandon(request: number): void {
    this.calls.abandon(this.member, request);
  }

  leave(): void {
    this.calls.leave(this.member);
  }

  // CallParty

  confirmed(request: number, count: number): void {
    this.#told.push({ told: "confirmed", request, count });
  }

  failed(request: number, kind: ErrorName): void {
    this.#told.push({ told: "failed", request, kind });
  }

  replied(request: number, bytes: Uint8Array, start: number, end: number): void {
    this.#told.push({ told: "replied", request, text: text(bytes, start, end) });
  }

  responderFailed(request: number, name: string, message: string): void {
    this.#told.push({ told: "responderFailed", request, name, text: message });
  }

  called(responder: number, call: number, left: number, bytes: Uint8Array, start: number, end: number): void {
    this.#told.push({ told: "called", responder, call, left, text: text(bytes, start, end) });
  }

  abandoned(responder: number, call: number, reason: ErrorName): void {
    this.#told.push({ told: "abandoned", responder, call, reason });
  }
}

/** Calls, and a way to add connections. */
export const testCalls = (
  limits: Partial<ConstructorParameters<typeof Calls>[0]> = {},
): { readonly calls: Calls; readonly time: { now: number }; readonly party: () => TestParty } => {
  const calls = new Calls({ maxResponders: 1_000, maxRespondersOfOne: 900, maxWaitingBytes: 1_000_000, ...limits });
  const time = { now: 0 };
  return { calls, time, party: () => new TestParty(calls, time) };
};
