/** Calls under commands in any order: each request has one answer, and nothing is left behind. */
import { expect, it } from "vitest";
import { type TestParty, testCalls } from "./parties.js";

/** Numbers below a bound that look random and are the same each time. */
const numbers = (seed: number): ((below: number) => number) => {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (state >>> 8) % below;
  };
};

/** A connection, and what it knows: its unanswered requests, and the calls it has not settled. */
interface Peer {
  readonly party: TestParty;
  readonly asked: Set<number>;
  readonly owed: Set<number>;
}

class Run {
  readonly random: (below: number) => number;
  readonly calls;
  readonly #time;
  readonly #newParty;
  #peers: Peer[] = [];
  #last = 0;

  constructor(seed: number) {
    this.random = numbers(seed);
    const { calls, time, party } = testCalls({ maxWaitingBytes: 50 });
    this.calls = calls;
    this.#time = time;
    this.#newParty = party;
    for (let i = 0; i < 4; i++) this.#peers.push(this.#peer());
  }

  /** One command of one connection, and a look at what all were told. */
  step(): void {
    const index = this.random(this.#peers.length);
    const peer = this.#peers[index];
    if (peer === undefined) throw new Error("there is one");
    this.#last++;
    const command = this.random(9);
    if (command < 2) this.#settle(peer);
    else if (command < 4) this.#ask(peer);
    else if (command === 4) peer.party.respond(this.#last, this.#channel(), 1 + this.random(3));
    else if (command === 5) this.#stop(peer);
    else if (command === 6) this.#abandon(peer);
    else if (command === 7) this.#pass(peer);
    else if (this.random(4) === 0) {
      peer.party.leave();
      this.#peers[index] = this.#peer();
    }
    for (const each of this.#peers) this.#look(each);
  }

  end(): void {
    for (const { party } of this.#peers) party.leave();
  }

  #peer(): Peer {
    return { party: this.#newParty(), asked: new Set(), owed: new Set() };
  }

  #channel(): string {
    return `c${this.random(2)}`;
  }

  #ask({ party, asked }: Peer): void {
    asked.add(this.#last);
    party.call(this.#last, this.#channel(), { timeout: 1 + this.random(100) });
  }

  #settle({ party, owed }: Peer): void {
    const [call] = owed;
    if (call === undefined) return;
    owed.delete(call);
    if (this.random(3) === 0) party.fail(call, "Error", "");
    else party.reply(call);
  }

  #stop({ party }: Peer): void {
    const [responder] = party.member.responders.values();
    if (responder !== undefined) party.stop(this.#last, responder.channel.name, responder.request);
  }

  #abandon({ party, asked }: Peer): void {
    const request = [...asked][this.random(Math.max(1, asked.size))];
    if (request !== undefined) party.abandon(request);
  }

  /** Time passes, and a connection is held or no longer. */
  #pass({ party }: Peer): void {
    this.#time.now += this.random(40);
    this.calls.expire(this.#time.now);
    if (party.member.isHeld) this.calls.unhold(party.member, this.#time.now);
    else this.calls.hold(party.member);
  }

  /** Each answer is for a request that waits for one, and what is abandoned is there. */
  #look({ party, asked, owed }: Peer): void {
    for (const told of party.take()) {
      if (told.told === "called") owed.add(told.call);
      else if (told.told === "abandoned") expect(owed.has(told.call)).toBe(true);
      else if (told.told === "confirmed") continue;
      else expect(asked.delete(told.request)).toBe(true);
    }
  }
}

it("leaves nothing behind, and answers each request once, whatever comes in whatever order", () => {
  for (let seed = 1; seed <= 100; seed++) {
    const run = new Run(seed);
    for (let step = 0; step < 300; step++) run.step();
    run.end();
    const { calls } = run;
    expect([calls.size, calls.responders, calls.waitingBytes, calls.due]).toEqual([0, 0, 0, Number.POSITIVE_INFINITY]);
  }
});
