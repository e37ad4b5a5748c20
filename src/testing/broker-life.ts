/**
 * One life of a test broker, from a start to a restart: a shard with its pump and its journal, and native connections, put
 * together as they are in threads, in this one and without any. It does nothing by itself: whoever has it runs it.
 */
import { LocalChannel } from "../channel/local-channel.js";
import { xxh32 } from "../journal/checksum.js";
import type { Disk } from "../journal/disk.js";
import type { Fault } from "../journal/disk-fault.js";
import { type Journal, memoryJournal } from "../journal/journal.js";
import { Access } from "../main/access/access.js";
import type { BrokerLimits } from "../main/limits.js";
import type { Log } from "../main/log.js";
import { AssemblyMemory } from "../main/native/assembly.js";
import { CallDesk, manualSchedule } from "../main/native/call-desk.js";
import { NativeConnection } from "../main/native/connection.js";
import type { ConnectionContext } from "../main/native/connection-context.js";
import { ConnectionTable } from "../main/native/connection-table.js";
import { helloHead } from "../main/native/handshake.js";
import { OutboxDrain } from "../main/native/outbox-drain.js";
import { OutputPool } from "../main/native/output-pool.js";
import { UnsentBudget } from "../main/native/unsent-budget.js";
import { WaitingInput } from "../main/native/waiting-input.js";
import { shardSettings } from "../main/shard-settings.js";
import { LocalLink } from "../main/shards/local-link.js";
import { Router } from "../main/shards/router.js";
import type { UserOptions } from "../main/user-options.js";
import { Durability } from "../protocol/op.js";
import type { IdSource } from "../shard/messages/id-allocator.js";
import type { Shard } from "../shard/shard.js";
import type { JobPort } from "../workers/job-port.js";
import type { Job, JobOutcome } from "../workers/jobs/job.js";
import { openJournal } from "../workers/open-journal.js";
import type { Pump } from "../workers/pump.js";
import { assemblePump } from "../workers/pump-assembly.js";
import { Stoppages } from "../workers/stoppages.js";
import type { Line } from "./line.js";

/** One is enough: topics of different shards have nothing in common that a test could see. */
const SHARD = 0;
const SHARDS = 1;

/** What shards may have under way to a connection, which the ring bounds where there is one. */
const RING_BYTES = 4 * 1024 * 1024;

export interface BrokerLifeOptions {
  /** Which life it is: its clock may stand between two of them. */
  readonly number: number;
  readonly limits: BrokerLimits;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Goes on over all lives. */
  readonly ids: IdSource;
  readonly disk: Disk;
  /** Checked. */
  readonly users: readonly UserOptions[];
  /** The shard's directory on the disk, which has a ledger. */
  readonly directory: string;
  /** What the disk has against publishes; undefined: nothing. */
  readonly fault: () => Fault | undefined;
}

export class BrokerLife {
  readonly #now: () => number;
  readonly #link: LocalLink;
  readonly #pump: Pump;
  readonly #calls: CallDesk;
  readonly #context: ConnectionContext;
  readonly #connections: ConnectionTable;
  #lines: Line[] = [];
  #due = 0;

  /** Reads the journal back. */
  constructor(options: BrokerLifeOptions) {
    const { limits, users, log, now, ids, fault } = options;
    const inbox = new LocalChannel();
    const outbox = new LocalChannel();
    const level = Durability[limits.durability];
    const stoppages = new Stoppages(() => ({ bavail: 0, files: 0, ffree: 0 }));
    this.#now = now;
    this.#connections = new ConnectionTable(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
    this.#link = new LocalLink(SHARD, { inbox, outbox }, new OutboxDrain((id) => this.#connections.get(id), log));
    this.#pump = assemblePump({
      ...shardSettings(limits, SHARDS),
      inbox,
      outbox,
      ids,
      node: limits.node,
      shard: SHARD,
      shards: SHARDS,
      level,
      life: options.number,
      segmentBytes: level === Durability.memory ? undefined : limits.segmentBytes,
      clock: now,
      openJournal: (shard) => (level === Durability.memory ? memoryJournal : journalOf(shard, level, options)),
      isDiskFull: () => fault() !== undefined,
      stoppages: { of: () => stoppages.of(fault()) },
    });
    this.#calls = new CallDesk(limits, manualSchedule(now), log);
    this.#context = {
      options: { ...limits, ringBytes: RING_BYTES, log },
      // With one shard nothing is hashed.
      router: new Router(SHARDS, () => 0),
      links: [this.#link],
      down: [],
      assembly: new AssemblyMemory(limits.maxAssemblyBytes),
      pool: new OutputPool(),
      unsent: new UnsentBudget(limits.maxUnsentBytes, log, now),
      waiting: new WaitingInput(limits.maxAssemblyBytes),
      calls: this.#calls,
      access: new Access(users, log, { date: now, now }),
      connections: this.#connections,
      now,
      isClosing: false,
      hello: helloHead({ ...limits, shards: SHARDS }),
      saidHello: (connection) => this.#connections.saidHello(connection),
      closed: (connection) => this.#connections.remove(connection),
      history: undefined,
      watch: undefined,
      backup: () => ({ kind: "NOT_ALLOWED", text: "a test broker has no directory to back up" }),
    };
  }

  /** When it wants to be run again if nothing comes first: milliseconds since 1970. */
  get due(): number {
    return Math.min(this.#due, this.#calls.calls.due);
  }

  /** Takes a connection. */
  accept(line: Line): void {
    line.connection = new NativeConnection(this.#connections.nextId(), line, this.#context);
    this.#connections.add(line.connection, this.#now());
    this.#lines.push(line);
  }

  /** Carries out all that has been sent and all that is due, and sends the answers. False: there was nothing to do. */
  run(): boolean {
    let hasRun = false;
    let isBusy = true;
    while (isBusy) {
      isBusy = false;
      for (const line of this.#lines) if (line.runToBroker()) isBusy = true;
      this.#rest();
      this.#calls.expire();
      this.#calls.flush();
      for (const line of this.#lines) if (line.runToClient()) isBusy = true;
      this.#finishLines();
      hasRun ||= isBusy;
    }
    return hasRun;
  }

  /** Ends all connections as a lost network does. */
  cut(): void {
    for (const line of this.#lines) line.cut();
  }

  /** Ends as a process that is killed: nothing more is carried out, and its clients hear that they have lost it. */
  kill(): void {
    this.cut();
    for (const line of this.#lines) line.runToBroker();
    this.#finishLines();
  }

  /** Tells the clients that it is about to stop. */
  goodbye(): void {
    for (const connection of this.#connections.values()) connection.goodbye();
  }

  /** Answers what is unanswered, and ends all connections. */
  shutDown(): void {
    for (const connection of this.#connections.values()) connection.shutDown();
  }

  /** Steps the shard until nothing is due now. */
  #rest(): void {
    const now = this.#now();
    do {
      this.#due = this.#pump.step(now);
      this.#link.deliver();
    } while (this.#due <= now || !this.#link.isRead);
  }

  #finishLines(): void {
    const over = this.#lines.filter((line) => line.isOver);
    if (over.length === 0) return;
    this.#lines = this.#lines.filter((line) => !line.isOver);
    for (const line of over) line.finish();
  }
}

/** The one job that is carried out. Files need not be made ahead, nor segments be compacted, where they are memory. */
const jobsOn = (disk: Disk): Pick<JobPort, "ask"> => ({
  ask: (job: Job, done: (outcome: never) => void) => {
    if (job.job !== "remove") return;
    for (const path of job.paths) disk.remove(path);
    const outcome: JobOutcome<"remove"> = { ok: true, result: { removed: job.paths.length } };
    done(outcome as never);
  },
});

const journalOf = (shard: Shard, level: number, { disk, directory, limits, now }: BrokerLifeOptions): Journal =>
  openJournal(shard, {
    data: { directory, level, segmentBytes: limits.segmentBytes, verified: [] },
    number: SHARD,
    disk,
    checksum: xxh32,
    clock: now,
    jobs: jobsOn(disk),
    hasSpace: () => true,
    replayed: () => {},
    beat: () => {},
    reclaimFailed: (error) => {
      throw error;
    },
  }).journal;
