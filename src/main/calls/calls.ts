/**
 * The calls of all connections: hands each to one responder of its channel, and the reply back. A deterministic state
 * machine, as the core of a shard is: time is an argument, and what it does it tells `CallParty`.
 */
import { IndexedHeap, NOWHERE } from "../../collections/indexed-heap.js";
import type { ErrorName } from "../../protocol/errors.js";
import { MAX_CALL_CREDIT } from "../../protocol/limits.js";
import type { CallParty } from "./call-party.js";
import { Call, CallChannel, CallMember, isDueBefore, Responder } from "./call-state.js";

/** Calls of all connections that are not over: four times what one may have. Some 50 MB of them. */
const MAX_CALLS = 262_144;

export interface CallLimits {
  /** Responders of all connections. */
  readonly maxResponders: number;
  /** Of them, those of one connection. */
  readonly maxRespondersOfOne: number;
  /** Bytes of calls that wait for responders, of all channels. */
  readonly maxWaitingBytes: number;
}

export class Calls {
  readonly #limits: CallLimits;
  readonly #channels = new Map<string, CallChannel>();
  readonly #deadlines = new IndexedHeap<Call>(isDueBefore);
  #responders = 0;
  #waitingBytes = 0;
  /** Counts the calls that were handed out. */
  #turn = 0;

  constructor(limits: CallLimits) {
    this.#limits = limits;
  }

  /** Calls that are not over. */
  get size(): number {
    return this.#deadlines.size;
  }

  get responders(): number {
    return this.#responders;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** When the first call times out; Infinity: there is none. */
  get due(): number {
    return this.#deadlines.first?.deadline ?? Number.POSITIVE_INFINITY;
  }

  /** A connection that has not made or taken a call before. It is a member until `leave`. */
  join(party: CallParty): CallMember {
    return new CallMember(party);
  }

  /** RESPOND. False: it was refused. */
  respond(member: CallMember, request: number, name: string, credit: number, now: number): boolean {
    if (this.#responders >= this.#limits.maxResponders) {
      member.party.failed(request, "TOO_MANY_CONSUMERS", `there are ${this.#responders} responders`);
      return false;
    }
    if (member.responders.size >= this.#limits.maxRespondersOfOne) {
      member.party.failed(request, "TOO_MANY_CONSUMERS", `this connection has ${member.responders.size} responders`);
      return false;
    }
    if (member.credit + credit > MAX_CALL_CREDIT) {
      const text = `the responders of a connection take at most ${MAX_CALL_CREDIT} calls at a time, all together`;
      member.party.failed(request, "TOO_MANY_IN_FLIGHT", text);
      return false;
    }
    let channel = this.#channels.get(name);
    if (channel === undefined) {
      channel = new CallChannel(name);
      this.#channels.set(name, channel);
    }
    const responder = new Responder(member, request, channel, credit);
    member.responders.set(request, responder);
    member.credit += credit;
    this.#responders++;
    channel.responders.add(responder);
    member.party.confirmed(request, channel.responders.size);
    this.#handOut(channel, now);
    return true;
  }

  /** STOP_RESPONDING: it gets no more calls; those that it has it may still settle. False: there is no such responder. */
  stop(member: CallMember, request: number, name: string, number: number): boolean {
    const responder = member.responders.get(number);
    if (responder?.channel.name !== name) {
      member.party.failed(request, "NO_CONSUMER", `this connection has no responder ${number} to the channel`);
      return false;
    }
    member.credit -= responder.credit - responder.outstanding;
    member.party.confirmed(request, responder.outstanding);
    this.#retire(responder);
    return true;
  }

  /** CALL, with its message in [start, end). */
  call(
    member: CallMember,
    request: number,
    name: string,
    timeout: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    now: number,
  ): void {
    const channel = this.#channels.get(name);
    if (channel === undefined) return member.party.failed(request, "NO_RESPONDER", "nobody responds to the channel");
    const responder = channel.responders.first;
    const isFree = responder?.hasRoom === true;
    const size = end - start;
    if (this.#deadlines.size >= MAX_CALLS || !(isFree || this.#hasRoom(channel, member, size))) {
      return member.party.failed(request, "BUSY", "too many calls are under way, or wait for a responder");
    }
    const call = new Call(member, request, channel, now + timeout);
    member.calls.set(request, call);
    this.#deadlines.add(call);
    if (isFree) return this.#handTo(responder, call, bytes, start, end, now);
    // Not `slice`: that of a Buffer is not a copy.
    call.entry = new Uint8Array(bytes.subarray(start, end));
    this.#waitingBytes += size;
    channel.waiting.add(call);
  }

  /** ABANDON: the requester gives up. A call that is over already has been answered. */
  abandon(member: CallMember, request: number): void {
    const call = member.calls.get(request);
    if (call === undefined) return;
    this.#withdraw(call, "REQUEST_ABANDONED");
    member.party.failed(request, "REQUEST_ABANDONED", "the requester has abandoned the call");
  }

  /** REPLY, with its message in [start, end). */
  reply(member: CallMember, number: number, bytes: Uint8Array, start: number, end: number, now: number): void {
    const settled = this.#settle(member, number);
    if (settled === undefined) return;
    if (settled instanceof Call) settled.requester.party.replied(settled.request, bytes, start, end);
    this.#release(settled, now);
  }

  /** FAIL: the responder's program has failed. */
  fail(member: CallMember, number: number, name: string, text: string, now: number): void {
    const settled = this.#settle(member, number);
    if (settled === undefined) return;
    if (settled instanceof Call) settled.requester.party.responderFailed(settled.request, name, text);
    this.#release(settled, now);
  }

  /** The connection takes no more bytes: its responders get no calls until `unhold`. */
  hold(member: CallMember): void {
    this.#setHeld(member, true);
  }

  unhold(member: CallMember, now: number): void {
    this.#setHeld(member, false);
    for (const { channel } of [...member.responders.values()]) this.#handOut(channel, now);
  }

  /** The connection is gone. */
  leave(member: CallMember): void {
    // Not over copies: who is told may be cut off at once, and take some of these along.
    for (const call of member.calls.values()) this.#withdraw(call, "REQUEST_ABANDONED");
    for (const responder of member.responders.values()) this.#retire(responder);
    for (const owed of member.owed.values()) {
      if (!(owed instanceof Call)) continue;
      this.#end(owed);
      owed.requester.party.failed(
        owed.request,
        "RESPONDER_LOST",
        "the responder's connection has ended before it replied",
      );
    }
    member.owed.clear();
  }

  /** Ends the calls whose time is over. */
  expire(now: number): void {
    for (;;) {
      const call = this.#deadlines.first;
      if (call === undefined || call.deadline > now) return;
      const text =
        call.responder === undefined ? "no responder was free in time" : "the responder did not reply in time";
      this.#withdraw(call, "REQUEST_TIMEOUT");
      call.requester.party.failed(call.request, "REQUEST_TIMEOUT", text);
    }
  }

  #hasRoom(channel: CallChannel, requester: CallMember, bytes: number): boolean {
    const isFirst = this.#waitingBytes === 0;
    if (!isFirst && this.#waitingBytes + bytes > this.#limits.maxWaitingBytes) return false;
    return channel.waiting.hasRoomFor(requester, bytes);
  }

  /** Gives waiting calls to responders that have room. */
  #handOut(channel: CallChannel, now: number): void {
    for (;;) {
      const responder = channel.responders.first;
      if (responder?.hasRoom !== true) return;
      const call = channel.waiting.take();
      if (call === undefined) return;
      const entry = this.#takeEntry(call);
      this.#handTo(responder, call, entry, 0, entry.length, now);
    }
  }

  /** The message of a call that waits no more. */
  #takeEntry(call: Call): Uint8Array {
    const { entry } = call;
    if (entry === undefined) throw new Error("a call waits without its message");
    call.entry = undefined;
    this.#waitingBytes -= entry.length;
    return entry;
  }

  #handTo(responder: Responder, call: Call, bytes: Uint8Array, start: number, end: number, now: number): void {
    const { member, channel, request } = responder;
    this.#turn++;
    responder.turn = this.#turn;
    responder.outstanding++;
    channel.responders.moved(responder);
    call.responder = responder;
    call.number = member.nextNumber();
    member.owed.set(call.number, call);
    // The time that is left is for the program: a call whose time is over ends with the next look at the deadlines.
    member.party.called(request, call.number, Math.max(0, Math.ceil(call.deadline - now)), bytes, start, end);
  }

  /** What the responder's frame is about is settled; undefined: it has no such call, and is told. */
  #settle(member: CallMember, number: number): Call | Responder | undefined {
    const owed = member.owed.get(number);
    if (owed === undefined) {
      member.party.failed(0, "UNKNOWN_CALL", `this connection has no call ${number} to settle`);
      return undefined;
    }
    member.owed.delete(number);
    if (owed instanceof Call) this.#end(owed);
    return owed;
  }

  /** The responder of what was settled has room for one more. */
  #release(settled: Call | Responder, now: number): void {
    const responder = settled instanceof Call ? settled.responder : settled;
    if (responder === undefined) throw new Error("nobody has settled the call");
    responder.outstanding--;
    const { member, channel } = responder;
    // It has stopped: what it still had counted.
    if (responder.place === NOWHERE) {
      member.credit--;
      return;
    }
    channel.responders.moved(responder);
    this.#handOut(channel, now);
  }

  /** Out of their heaps meanwhile, since a heap has its order but for one entry at a time. */
  #setHeld(member: CallMember, isHeld: boolean): void {
    for (const responder of member.responders.values()) responder.channel.responders.remove(responder);
    member.isHeld = isHeld;
    for (const responder of member.responders.values()) responder.channel.responders.add(responder);
  }

  /** The requester no longer waits. If a responder has the call, it is told, and has it until it has settled it. */
  #withdraw(call: Call, reason: ErrorName): void {
    const { channel, responder, number } = call;
    this.#end(call);
    if (responder === undefined) {
      channel.waiting.remove(call);
      this.#takeEntry(call);
      return;
    }
    responder.member.owed.set(number, responder);
    responder.member.party.abandoned(responder.request, number, reason);
  }

  /** The call is over for its requester. */
  #end(call: Call): void {
    this.#deadlines.remove(call);
    call.requester.calls.delete(call.request);
  }

  /** The responder gets no more calls. Without any responder nobody would take what waits. */
  #retire(responder: Responder): void {
    const { member, channel, request } = responder;
    member.responders.delete(request);
    channel.responders.remove(responder);
    this.#responders--;
    if (channel.responders.size > 0) return;
    this.#channels.delete(channel.name);
    for (;;) {
      const call = channel.waiting.take();
      if (call === undefined) return;
      this.#takeEntry(call);
      this.#end(call);
      call.requester.party.failed(call.request, "NO_RESPONDER", "the channel's last responder has gone");
    }
  }
}
