/**
 * A broker with its shards, its clients and its disk, in which everything goes wrong that can. It plays a history: what
 * clients do is applied, the pumps commit it and send the answers as they do in the shards' threads, and each time when
 * everything has ended and is there again, or a single shard has, it looks at what has become of it all, twice:
 *
 * - The **shadow** knows what clients were told, and what they were promised must be there.
 * - A **witness** of each shard has photographs of it, and knows which of them were confirmed.
 */
import assert from "node:assert/strict";
import { isDiskFault } from "../../src/journal/disk-fault.js";
import { Durability } from "../../src/protocol/op.js";
import type { Command } from "../../src/shard/command.js";
import { Backups } from "./backups.js";
import { Broker } from "./broker.js";
import { ChannelClients } from "./channel-clients.js";
import { Clients } from "./clients.js";
import { Keying } from "./keying.js";
import type { Life, Makers, Sent } from "./life.js";
import { Looks } from "./looks.js";
import { BEGIN } from "./names.js";
import type { TopicView, View } from "./photograph.js";
import { Producing } from "./producing.js";
import { expectTrue, type Holds, Shadow } from "./shadow.js";
import { Crash, type CrashKind, type Fault, type SimulatedDisk } from "./simulated-disk.js";
import type { CrashStep, History, Move, Step } from "./steps.js";
import type { Terms } from "./survival.js";
import { nothingYet, type Tally } from "./tally.js";
import { lookAt, viewOf } from "./views.js";
import { Witness } from "./witness.js";

const DATA = "/data";

/** What a power loss may cost at level `write`: the last of these milliseconds. */
const WRITE_WINDOW = 1000;

/** Times that a long wait is played one by one; what comes after them is played at once. */
const WAIT_STOPS = 30;
const MAX_STEPS = 1000;

/** How many steps a job of somebody else's takes. */
const JOB_STEPS = 4;

const everything = (): boolean => true;

/** How everything ends, and what comes then. */
interface End extends Pick<CrashStep, "seed" | "pause" | "shards" | "fault"> {
  readonly kind: CrashKind;
  readonly again?: readonly number[];
}

export class World {
  readonly tally: Tally = nothingYet();
  readonly #shadow = new Shadow();
  readonly #channels: ChannelClients;
  readonly #producing = new Producing();
  readonly #keying = new Keying((id) => this.#shadow.isThere(id));
  readonly #clients: Clients;
  readonly #looks = new Looks(this.#shadow);
  readonly #disk: SimulatedDisk;
  readonly #backups: Backups;
  #clock = BEGIN;
  #broker: Broker;
  /** By shard. */
  #witnesses: Witness[] = [];
  /** When this life began. */
  #bornAt = BEGIN;
  /** When the journals have last done what is due from time to time. */
  #ticked = 0;
  /** A crash that is to come, in some operation of the disk. */
  #doom: CrashStep | undefined;

  constructor(
    readonly history: History,
    readonly makers: Makers,
  ) {
    this.#channels = new ChannelClients(history.settings.level);
    this.#clients = new Clients(this.#shadow, this.#channels, this.#producing, this.#keying, () => this.#clock);
    this.#disk = makers.disk(history.seed);
    this.#disk.makeDirectory(DATA);
    this.#disk.syncDirectory("/");
    this.#backups = new Backups(this.#disk, makers, this.#shadow);
    this.#broker = this.#begin(history.settings.shards);
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
    this.tally.searches = this.#looks.ended;
    this.tally.backups = this.#backups.made;
    this.tally.unmade = this.#backups.failed;
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
      this.#crash(this.#doom ?? { do: "crash", kind: "power", after: 0, seed: 1, pause: 0, again: [] });
    }
  }

  #move({ step, flush }: Move): void {
    this.#step(step);
    if (flush) this.#flush();
    const states = this.#broker.lives.map(({ journal }) => journal.state.kind);
    if (states.includes("stalled")) this.tally.stalls++;
    // A journal says that it will never confirm anything again: somebody starts the broker anew.
    if (!states.includes("failed")) return;
    this.tally.failures++;
    this.#recover({ kind: "process", seed: this.history.seed + this.tally.steps, pause: 10 });
  }

  #step(step: Step): void {
    switch (step.do) {
      case "wait":
        return this.#wait(step.time);
      case "fault":
        return this.#disk.inject(step.fault);
      case "mend":
        return this.#disk.clearFaults();
      case "backup":
        return this.#backups.begin(this.#broker);
      case "restart":
        return this.#restart(step);
      case "crash":
        if (step.after === 0) {
          this.#audit();
          return this.#crash(step);
        }
        this.#doom = step;
        return this.#disk.crashAfter(step.after);
      case "find":
      case "delayed":
      case "deadGroups":
        this.tally.looks++;
        return this.#command(this.#looks.command(step, this.#view));
      default:
        this.#looks.disturb();
        this.tally.commands++;
        return this.#command(this.#clients.command(step, this.#broker, this.#view));
    }
  }

  #command(command: Command): void {
    for (const witness of this.#addressees(command)) {
      witness.life.apply(command, this.#clock);
      witness.remember(command);
    }
  }

  /** All topics, as they were last seen. */
  get #view(): View {
    const [only, ...others] = this.#witnesses;
    if (only !== undefined && others.length === 0) return only.photo;
    const topics = (): ReadonlyMap<string, TopicView> =>
      new Map(this.#witnesses.flatMap(({ photo }) => [...photo.topics]));
    return {
      get topics() {
        return topics();
      },
    };
  }

  /** The shard of a topic or a channel; every shard, where it is about a connection. */
  #addressees(command: Command): readonly Witness[] {
    const name = "topic" in command ? command.topic : "channel" in command ? command.channel : undefined;
    if (name === undefined) return this.#witnesses;
    return this.#witnesses.filter((_, number) => number === this.#broker.shardOf(name));
  }

  /** Plays time up to now, writes, and sends what may go. Answers when there is something to do again. */
  #flush(): number {
    if (this.tally.steps % JOB_STEPS === 0) for (const { life } of this.#witnesses) life.work(this.#clock);
    const dues = this.#witnesses.map((witness) => this.#rest(witness));
    this.#backups.work(this.#broker, this.#clock);
    if (this.#witnesses.every(({ life }) => life.journal.state.kind !== "failed")) this.#ticked = this.#clock;
    return Math.min(...dues);
  }

  /** Has a shard do all that is due. */
  #rest(witness: Witness): number {
    const { shard, journal } = witness.life;
    for (let steps = 0; steps < MAX_STEPS; steps++) {
      const due = this.#pump(witness);
      if (journal.state.kind === "failed" || (due > this.#clock && due > shard.store.now)) return due;
    }
    throw new Error("the shard never comes to rest");
  }

  /** A step of the pump. */
  #pump(witness: Witness): number {
    const { shard, pump, journal } = witness.life;
    const topics = new Set(shard.directory.topics);
    const before = witness.photo;
    let due = Number.POSITIVE_INFINITY;
    try {
      due = pump.step(this.#clock);
    } catch (error) {
      if (journal.state.kind !== "failed" || error !== journal.state.error) throw error;
    }
    this.#assertUp();
    for (const topic of topics) {
      if (shard.directory.find(topic.name) === topic) continue;
      this.tally.forgotten++;
      witness.forgotten(topic, before);
    }
    return due;
  }

  /** Whoever catches every error has caught the end of everything as well. */
  #assertUp(): void {
    if (this.#disk.isDown) throw new Crash("the simulated machine has stopped");
  }

  #wait(time: number): void {
    const end = this.#clock + time;
    for (let stops = 0; stops < WAIT_STOPS && this.#clock < end; stops++) {
      const due = this.#flush();
      this.#clock = Math.min(end, Math.max(this.#clock + 1, Math.ceil(due)));
    }
    this.#clock = end;
  }

  #restart(next: Extract<Step, { do: "restart" }>): void {
    this.#flush();
    this.#audit();
    this.#backups.stop(this.#broker);
    for (const witness of this.#witnesses) this.#end(witness);
    this.#recover({ ...next, kind: "power", seed: this.history.seed + this.tally.steps });
  }

  /** A shard ends in order. Where its thread ends in the middle of that, nobody starts another. */
  #end(witness: Witness): void {
    const { journal, pump } = witness.life;
    try {
      pump.end();
      this.#assertUp();
      if (journal.state.kind === "working") witness.end();
    } catch (error) {
      if (!(error instanceof Crash) || this.#doom?.kind !== "shard") throw error;
      this.tally.deaths++;
      this.#disk.resume();
    }
  }

  #crash({ kind, again, ...rest }: CrashStep): void {
    this.#doom = undefined;
    if (kind === "shard") this.#revive(this.#victim(rest.seed), again);
    else this.#recover({ kind, again, ...rest });
  }

  /** The shard that the last operation of the disk was for; any, where it was for none of them. */
  #victim(seed: number): number {
    const { downAt } = this.#disk;
    const number = downAt === undefined ? -1 : this.#broker.shardAt(downAt);
    return number < 0 ? seed % this.#witnesses.length : number;
  }

  #recover({ kind, seed, pause, again = [], shards, fault }: End): void {
    this.tally.crashes++;
    const ticked = this.#ticked;
    this.#doom = undefined;
    this.#clients.forget(everything);
    this.#looks.forget(everything);
    // A clock that is set back comes to a time at which ids were given out, rather than to one between two such.
    this.#clock = pause < 0 ? Math.max(this.#bornAt, this.#clock + pause) : this.#clock + pause;
    this.#bornAt = this.#clock;
    let ends = kind;
    for (const { life } of this.#witnesses) this.#count(life);
    this.#disk.restart(kind, seed);
    const next = shards ?? this.#witnesses.length;
    const before = this.#broker;
    for (const [i, after] of again.entries()) {
      this.#disk.crashAfter(after);
      try {
        // Whoever has seen it fail may change their mind about the number of shards.
        this.#broker = this.#begin(shards === undefined ? next : 1 + ((seed + i) % 3));
        break;
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
        this.tally.crashes++;
        // The second end may be of another kind than the first: what counts is the worse of them.
        const other: CrashKind = (seed + i) % 2 === 0 ? "power" : "process";
        if (other === "power") ends = "power";
        this.#disk.restart(other, seed + i + 1);
      }
    }
    this.#disk.crashAfter(Number.POSITIVE_INFINITY);
    this.#broker = fault === undefined ? this.#begin(next) : this.#beginBadly(next, before.lives.length, fault);
    const holds: Holds = ({ level, at }) =>
      level === Durability.fsync || (level === Durability.write && (ends === "process" || at <= ticked - WRITE_WINDOW));
    // A start that did not come to its end may have moved everything all the same.
    const isMoved = this.#broker.generation !== before.generation;
    for (const [number, witness] of this.#witnesses.entries()) {
      const view = viewOf(this.#broker.shards, (name) => before.shardOf(name) === number);
      this.#judge(witness, view, holds, isMoved);
    }
    this.#shadow.restart(lookAt(this.#broker.lives), everything, holds, this.#clock);
    this.#channels.restart(this.#broker.shards, everything, holds, this.#clock);
    this.#producing.restart(everything, holds, { level: Durability.fsync, at: this.#clock });
    this.#keying.restart(everything, holds, { level: Durability.fsync, at: this.#clock });
    this.#backups.judge(
      (data, count) => this.#begin(count, data),
      (isAnew) => this.#terms(isAnew),
    );
    this.tally.recoveries++;
    this.#settle();
  }

  /** A shard's thread ends, and another takes its place; the machine, and the other shards, do not notice. */
  #revive(number: number, again: readonly number[]): void {
    const witness = this.#witnesses[number];
    assert.ok(witness !== undefined, "only a shard that there is can end");
    this.tally.deaths++;
    const isOver = (name: string): boolean => this.#broker.shardOf(name) === number;
    this.#clients.forget(isOver);
    this.#looks.forget(isOver);
    this.#count(witness.life);
    this.#disk.resume();
    this.#disk.clearFaults();
    this.#backups.died(this.#broker, witness.life);
    for (const after of again) {
      this.#disk.crashAfter(after);
      try {
        this.#broker.revive(number, this.#clock);
        break;
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
        this.tally.deaths++;
        this.#disk.resume();
      }
    }
    this.#disk.crashAfter(Number.POSITIVE_INFINITY);
    const life = this.#broker.revive(number, this.#clock);
    this.#inspect(life, number);
    const holds: Holds = ({ level }) => level >= Durability.write;
    this.#judge(witness, viewOf(this.#broker.shards, isOver), holds, false);
    this.#shadow.restart(lookAt([life]), isOver, holds, this.#clock);
    this.#channels.restart([life.shard], isOver, holds, this.#clock);
    this.#producing.restart(isOver, holds, { level: Durability.fsync, at: this.#clock });
    this.#keying.restart(isOver, holds, { level: Durability.fsync, at: this.#clock });
    this.#witnesses[number] = this.#witness(life);
  }

  /** What a life has been through, at its end. */
  #count({ log, segmentsBegun, compactions }: Life): void {
    this.tally.loads += log.pages.loads;
    this.tally.segments += segmentsBegun;
    this.tally.compactions += compactions;
  }

  #begin(shards: number, data = DATA): Broker {
    const { history, makers } = this;
    const sent = (number: number): Sent => ({
      free: () => this.#witnesses[number]?.sendFree(),
      held: () => {
        this.#assertUp();
        this.#witnesses[number]?.release();
      },
    });
    const { settings } = history;
    const broker = new Broker({ disk: this.#disk, data, shards, settings, now: this.#clock, makers, sent });
    if (broker.isMoved) this.tally.moves++;
    for (const [number, life] of broker.lives.entries()) this.#inspect(life, number, broker);
    return broker;
  }

  /** The disk fails in a start. Whoever cannot move everything goes on with the number of shards that there was. */
  #beginBadly(shards: number, before: number, fault: Fault): Broker {
    this.#disk.inject(fault);
    try {
      return this.#begin(shards);
    } catch (error) {
      if (!isDiskFault(error)) throw error;
      this.tally.refusals++;
    } finally {
      this.#disk.clearFaults();
    }
    this.#disk.restart("process", shards);
    return this.#begin(before);
  }

  /** Whether a shard that has just begun can be what it seems. */
  #inspect({ shard, isCut }: Life, number: number, broker = this.#broker): void {
    shard.invariants();
    if (isCut) this.tally.cuts++;
    const { topics, channels } = shard.directory;
    for (const { name } of [...topics, ...channels.byName.values()]) {
      assert.equal(broker.shardOf(name), number, `${name} is in a shard that nobody asks for it`);
    }
  }

  /** While a broker lives, everything is there that was confirmed, however durably. */
  #audit(): void {
    const found = lookAt(this.#broker.lives);
    for (const each of found) this.#shadow.check(each.topic, each);
    expectTrue(this.#shadow.claims(everything, Durability.memory), found, "while its shard lives");
  }

  /** What is there now is there for good. */
  #settle(): void {
    this.#ticked = this.#clock;
    this.#witnesses = this.#broker.lives.map((life) => this.#witness(life));
  }

  #witness(life: Life): Witness {
    return new Witness(life, this.#clients, this.#looks, this.#broker, () => this.#clock);
  }

  #judge(witness: Witness, after: View, holds: Holds, isMoved: boolean): void {
    const terms = this.#terms(isMoved || witness.life.compactions > 0);
    const { isSurvived, isVanished } = witness.compare(after, holds, terms);
    if (isSurvived) this.tally.survived++;
    if (isVanished) this.tally.vanished++;
  }

  /** What makes segments anew keeps the order that is promised, and none but that. */
  #terms(isAnew: boolean): Terms {
    return {
      fresh: new Set(),
      holdsPlace: (topic, queue, { key, retry }) =>
        !isAnew || (retry === 0 && this.#shadow.isInOrder(topic, queue, key)),
    };
  }
}
