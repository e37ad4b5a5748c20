/**
 * A broker with one shard, its clients and its disk, in which everything goes wrong that can. It plays a history: what
 * clients do is applied, the pump commits it and sends the answers as it does in a shard's thread, and each time when
 * everything has ended and is there again it looks at what has become of it all, twice:
 *
 * - The **shadow** knows what clients were told, and what they were promised must be there.
 * - **Photographs** are taken of the shard after every command. What is read back must be the last of them whose effects
 *   were confirmed, or a later one, or something between two later ones that follow one another.
 */
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { makeLedger, NO_SEGMENTS } from "../../src/journal/ledger.js";
import { Durability } from "../../src/protocol/op.js";
import type { Browse, MessageState } from "../../src/shard/command.js";
import { BrowseCursor, browse } from "../../src/shard/messages/browse.js";
import type { Queue } from "../../src/shard/messages/queue.js";
import type { Topic } from "../../src/shard/topics/topic.js";
import { ChannelClients } from "./channel-clients.js";
import { Clients } from "./clients.js";
import { Life, type Makers } from "./life.js";
import { Photograph, type QueueView } from "./photograph.js";
import { type Found, type Holds, type Pledge, Shadow } from "./shadow.js";
import { Crash, type CrashKind, type SimulatedDisk } from "./simulated-disk.js";
import type { Answer } from "./staged-answers.js";
import type { CrashStep, History, Move, Step } from "./steps.js";
import { difference, type Terms } from "./survival.js";

const BEGIN = Date.UTC(2026, 0, 1);
const DIRECTORY = "/data/shard-0";

/** Who looks at everything; no client has this number. */
const OBSERVER = 99;
const STATES: readonly MessageState[] = ["ready", "delayed", "in-flight", "dead"];

/** What a power loss may cost at level `write`: the last of these milliseconds. */
const WRITE_WINDOW = 1000;

/** Times that a long wait is played one by one; what comes after them is played at once. */
const WAIT_STOPS = 30;
const MAX_STEPS = 1000;

/** How many steps a job of somebody else's takes. */
const JOB_STEPS = 4;

/** Something was done to the shard. */
interface Moment {
  readonly photo: Photograph;
  /** Answers that need not wait for the journal and have not been sent yet. */
  free: readonly Answer[];
  /** Answers that are sent when the journal has confirmed. */
  readonly held: readonly Answer[];
  /** Promised with them; undefined: they have not been sent. */
  pledge: Pledge | undefined;
  /** How durable the journal was told to make it. */
  readonly demand: number;
}

/** What a simulation has been through. */
export interface Tally {
  steps: number;
  commands: number;
  /** Ends of everything, those in the middle of a recovery among them. */
  crashes: number;
  recoveries: number;
  /** Torn ends that a recovery has cut off. */
  cuts: number;
  /** Recoveries after which something had happened that nobody was told of, and after which something had not. */
  survived: number;
  vanished: number;
  /** Operations of the disk, and faults of it. */
  operations: number;
  faults: number;
  /** Commits that could not write, and those that will never again. */
  stalls: number;
  failures: number;
  /** Segments that were begun, compactions of them, and pages that were read back. */
  segments: number;
  compactions: number;
  loads: number;
  /** Topics that nobody needed any more. */
  forgotten: number;
}

export class World {
  readonly tally: Tally = {
    steps: 0,
    commands: 0,
    crashes: 0,
    recoveries: 0,
    cuts: 0,
    survived: 0,
    vanished: 0,
    operations: 0,
    faults: 0,
    stalls: 0,
    failures: 0,
    segments: 0,
    compactions: 0,
    loads: 0,
    forgotten: 0,
  };
  readonly #shadow = new Shadow();
  readonly #channels: ChannelClients;
  readonly #clients: Clients;
  readonly #disk: SimulatedDisk;
  #clock = BEGIN;
  #life: Life;
  /** When this life began. */
  #bornAt = BEGIN;
  /** From the last one that is on disk for good. */
  #moments: Moment[] = [];
  /** When the journal has last done what is due from time to time. */
  #ticked = 0;
  /** A crash that is to come, in some operation of the disk. */
  #doom: CrashStep | undefined;

  constructor(
    readonly history: History,
    readonly makers: Makers,
  ) {
    this.#channels = new ChannelClients(history.settings.level);
    this.#clients = new Clients(this.#shadow, this.#channels);
    this.#disk = makers.disk(history.seed);
    this.#disk.makeDirectory(DIRECTORY);
    this.#disk.syncDirectory("/");
    this.#disk.syncDirectory("/data");
    makeLedger(this.#disk, DIRECTORY, 0, NO_SEGMENTS);
    this.#life = this.#begin();
    this.#settle();
  }

  /** Throws where the broker breaks its word. `onMove` is told which move comes next. */
  play(onMove: (index: number) => void = () => undefined): Tally {
    for (const [index, move] of this.history.moves.entries()) {
      onMove(index);
      this.tally.steps++;
      this.#live(() => this.#move(move));
    }
    const { operations, hits } = this.#disk;
    this.tally.operations = operations;
    this.tally.faults = hits.full + hits.short + hits.write + hits.sync;
    return this.tally;
  }

  /** Does something in the course of which everything may end. */
  #live(act: () => void): void {
    try {
      act();
      this.#assertUp();
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      const { kind, seed, pause, again } = this.#doom ?? { kind: "power", seed: 1, pause: 0, again: [] };
      this.#recover(kind, seed, pause, again);
    }
  }

  #move({ step, flush }: Move): void {
    this.#step(step);
    if (flush) this.#flush();
    if (this.#life.journal.state.kind === "stalled") this.tally.stalls++;
    // The journal says that it will never confirm anything again: somebody starts the broker anew.
    if (this.#life.journal.state.kind !== "failed") return;
    this.tally.failures++;
    this.#recover("process", this.history.seed + this.tally.steps, 10, []);
  }

  #step(step: Step): void {
    switch (step.do) {
      case "wait":
        return this.#wait(step.time);
      case "fault":
        return this.#disk.inject(step.fault);
      case "mend":
        return this.#disk.clearFaults();
      case "restart":
        return this.#restart(step.pause);
      case "crash":
        if (step.after === 0) return this.#recover(step.kind, step.seed, step.pause, step.again);
        this.#doom = step;
        return this.#disk.crashAfter(step.after);
      default: {
        const command = this.#clients.command(step, this.#life.shard, this.#last.photo);
        this.tally.commands++;
        this.#life.apply(command, this.#clock);
        this.#remember();
      }
    }
  }

  get #last(): Moment {
    const last = this.#moments.at(-1);
    assert.ok(last !== undefined, "there is always a moment that was confirmed");
    return last;
  }

  /** Something has been done to the shard; its answers wait for the journal. */
  #remember(): void {
    const { shard, effects, free, held, log } = this.#life;
    effects.finish();
    const moment = {
      photo: new Photograph(shard),
      free: free.take(),
      held: held.take(),
      pledge: undefined,
      demand: log.demand,
    };
    for (const answer of [...moment.free, ...moment.held]) this.#clients.staged(answer, shard);
    this.#moments.push(moment);
  }

  /** Plays time up to now, writes, and sends what may go. Answers when there is something to do again. */
  #flush(): number {
    if (this.tally.steps % JOB_STEPS === 0) this.#life.work(this.#clock);
    const { shard, journal } = this.#life;
    for (let steps = 0; steps < MAX_STEPS; steps++) {
      const due = this.#pump();
      if (journal.state.kind === "failed") return due;
      this.#ticked = this.#clock;
      if (due > this.#clock && due > shard.store.now) return due;
    }
    throw new Error("the shard never comes to rest");
  }

  /** A step of the pump. */
  #pump(): number {
    const { shard, pump, journal } = this.#life;
    const topics = new Set(shard.directory.topics);
    const before = this.#last.photo;
    let due = Number.POSITIVE_INFINITY;
    try {
      due = pump.step(this.#clock);
    } catch (error) {
      if (journal.state.kind !== "failed" || error !== journal.state.error) throw error;
    }
    this.#assertUp();
    for (const topic of topics) if (shard.directory.find(topic.name) !== topic) this.#forgotten(topic, before);
    return due;
  }

  /** The pump sends what need not wait for the journal. */
  #sendFree(): void {
    this.#remember();
    for (const moment of this.#moments) {
      for (const answer of moment.free) this.#clients.released(answer, this.#clock);
      moment.free = [];
    }
  }

  /** Whoever catches every error has caught the end of everything as well. */
  #assertUp(): void {
    if (this.#disk.isDown) throw new Crash("the simulated machine has stopped");
  }

  /** A topic has gone by itself. Its messages are the shadow's concern. */
  #forgotten({ name }: Topic, before: Photograph): void {
    this.tally.forgotten++;
    const was = before.topics.get(name);
    const isMeant = ({ isDeclared, paused }: QueueView): boolean => isDeclared || paused;
    const { defaultConfig } = this.#life;
    const isNeeded =
      !isDeepStrictEqual({ ...defaultConfig, ...was?.config }, defaultConfig) ||
      [...(was?.queues.values() ?? [])].some(isMeant);
    assert.ok(!isNeeded, `topic ${name} was configured or declared and is forgotten`);
  }

  /** The journal has confirmed: what has waited for it is sent. */
  #release(): void {
    this.#assertUp();
    const at = this.#clock;
    for (const moment of this.#moments) {
      if (moment.pledge !== undefined) continue;
      for (const answer of moment.held) this.#clients.released(answer, at);
      moment.pledge = { level: this.#promise(moment), at };
    }
    // What is on disk stays there, and with it all that comes before.
    const durable = this.#moments.findLastIndex(({ pledge }) => pledge?.level === Durability.fsync);
    if (durable > 0) this.#moments.splice(0, durable);
  }

  /** The `Durability` that a moment's answers promise, as far as it has changed anything. */
  #promise({ held, demand }: Moment): number {
    let level = 0;
    for (const answer of held) {
      if (answer.kind === "confirm") level = Math.max(level, answer.level);
      else if (answer.kind === "result") level = Math.max(level, this.history.settings.level);
    }
    return Math.min(level, demand);
  }

  #wait(time: number): void {
    const end = this.#clock + time;
    for (let stops = 0; stops < WAIT_STOPS && this.#clock < end; stops++) {
      const due = this.#flush();
      this.#clock = Math.min(end, Math.max(this.#clock + 1, Math.ceil(due)));
    }
    this.#clock = end;
  }

  /** A clean end: all that was accepted survives it, whatever happens to the machine. */
  #restart(pause: number): void {
    this.#flush();
    const { journal, pump } = this.#life;
    pump.end();
    this.#assertUp();
    if (journal.state.kind === "working") {
      this.#release();
      const last = this.#last;
      last.pledge = { level: Durability.fsync, at: this.#clock };
      this.#moments = [last];
    }
    this.#recover("power", this.history.seed + this.tally.steps, pause, []);
  }

  #recover(kind: CrashKind, seed: number, pause: number, again: readonly number[]): void {
    this.tally.crashes++;
    const ticked = this.#ticked;
    this.#doom = undefined;
    this.#clients.forget();
    // A clock that is set back comes to a time at which ids were given out, rather than to one between two such.
    this.#clock = pause < 0 ? Math.max(this.#bornAt, this.#clock + pause) : this.#clock + pause;
    this.#bornAt = this.#clock;
    let ends = kind;
    this.tally.loads += this.#life.log.pages.loads;
    this.tally.segments += this.#life.segmentsBegun;
    this.tally.compactions += this.#life.compactions;
    this.#disk.restart(kind, seed);
    for (const [i, after] of again.entries()) {
      this.#disk.crashAfter(after);
      try {
        this.#life = this.#begin();
        break;
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
        this.tally.crashes++;
        // The second end may be of another kind than the first: what counts is the worse of them.
        const next: CrashKind = (seed + i) % 2 === 0 ? "power" : "process";
        if (next === "power") ends = "power";
        this.#disk.restart(next, seed + i + 1);
      }
    }
    this.#disk.crashAfter(Number.POSITIVE_INFINITY);
    this.#life = this.#begin();
    this.tally.recoveries++;
    const holds: Holds = ({ level, at }) =>
      level === Durability.fsync || (level === Durability.write && (ends === "process" || at <= ticked - WRITE_WINDOW));
    this.#compare(holds);
    this.#shadow.restart(this.#look(), holds, this.#clock);
    this.#channels.restart(this.#life.shard, holds, this.#clock);
    this.#settle();
  }

  #begin(): Life {
    const life = new Life(this.#disk, DIRECTORY, this.history.settings, this.#clock, this.makers, {
      free: () => this.#sendFree(),
      held: () => this.#release(),
    });
    life.shard.invariants();
    if (life.isCut) this.tally.cuts++;
    return life;
  }

  /** What is there now is there for good. */
  #settle(): void {
    this.#ticked = this.#clock;
    this.#moments = [];
    this.#remember();
    this.#last.pledge = { level: Durability.fsync, at: this.#clock };
  }

  /** What has been read back is a state that the shard was in, and not an earlier one than was promised. */
  #compare(holds: Holds): void {
    const after = new Photograph(this.#life.shard);
    const moments = this.#moments;
    const promised = Math.max(
      0,
      moments.findLastIndex(({ pledge }) => pledge !== undefined && holds(pledge)),
    );
    const terms = this.#terms();
    const reasons: string[] = [];
    for (let i = moments.length - 1; i >= promised; i--) {
      const moment = moments[i];
      const next = moments[i + 1];
      if (moment === undefined) continue;
      const why = difference(moment.photo, moment.photo, after, terms);
      const whyNot =
        why !== undefined && next !== undefined
          ? difference(moment.photo, next.photo, after, { ...terms, fresh: publishedIn(next) })
          : why;
      if (whyNot === undefined) {
        if (i > promised) this.tally.survived++;
        if (i < moments.length - 1) this.tally.vanished++;
        return;
      }
      reasons.push(`${moments.length - 1 - i} before the end: ${whyNot}`);
    }
    assert.fail(
      `what is there was never promised:\n${reasons
        .slice(0, 6)
        .map((reason) => reason.slice(0, 400))
        .join("\n")}`,
    );
  }

  /** Compaction keeps the order that is promised, and none but that. */
  #terms(): Terms {
    const isCompacted = this.tally.compactions > 0;
    return {
      fresh: new Set(),
      holdsPlace: (topic, queue, { key, retry }) =>
        !isCompacted || (retry === 0 && this.#shadow.isInOrder(topic, queue, key)),
    };
  }

  /** Everything that there is, as an operator sees it; no time is played. */
  #look(): Found[] {
    const { shard } = this.#life;
    const found: Found[] = [];
    for (const topic of shard.directory.topics) {
      for (const queue of topic.queues.values()) {
        for (const state of STATES) found.push(...this.#browse(queue, state));
      }
    }
    return found;
  }

  #browse(queue: Queue, state: MessageState): Found[] {
    const { store } = this.#life.shard;
    const { held, free } = this.#life;
    const topic = queue.topic.name;
    const found: Found[] = [];
    for (let request = 1; ; request++) {
      const offset = found.length;
      const about = { topic, queue: queue.bindKey, state, offset, max: 1000, maxBytes: 65_536 };
      const c: Browse = { op: "browse", connection: OBSERVER, request, ...about };
      browse(store, c, new BrowseCursor(store, queue, c));
      const page = [...held.take(), ...free.take()].flatMap((answer) =>
        answer.kind === "messages" ? answer.messages : [],
      );
      if (page.length === 0) return found;
      for (const message of page) found.push({ ...message, topic, queue: queue.bindKey });
    }
  }
}

/** The ids that were given out in a moment. */
const publishedIn = ({ free, held }: Moment): ReadonlySet<number> => {
  const keys = new Set<number>();
  for (const answer of [...free, ...held]) {
    if (answer.kind !== "confirm" || answer.firstKey === 0) continue;
    for (let i = 0; i < answer.messages; i++) keys.add(answer.firstKey + i);
  }
  return keys;
};
