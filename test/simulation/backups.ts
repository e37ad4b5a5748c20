/**
 * Backups of the simulated broker, made while its clients go on: each shard is pinned, its segments are copied one after
 * another, and it is let go. Every start of a broker looks at what has become of them:
 *
 * - One that was made has everything that was confirmed before a shard was pinned, in the state that it had then.
 * - One that was interrupted passes for none: nothing can be restored from it, and no broker starts on it.
 */
import assert from "node:assert/strict";
import { relative } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { restoreData } from "../../src/inspection/restore.js";
import type { ListedFile } from "../../src/journal/backup-list.js";
import { DamageError, DataDirectoryError } from "../../src/journal/damage-error.js";
import { readManifest } from "../../src/journal/data-directory.js";
import type { Disk } from "../../src/journal/disk.js";
import { isDiskFault } from "../../src/journal/disk-fault.js";
import { segmentPath, shardDirectory } from "../../src/journal/layout.js";
import { type LedgerEntry, NO_SEGMENTS } from "../../src/journal/ledger.js";
import { Durability } from "../../src/protocol/op.js";
import type { Broker } from "./broker.js";
import { keptChannels } from "./channel-clients.js";
import type { Life, Makers } from "./life.js";
import { Photograph } from "./photograph.js";
import { type Claim, expectTrue, type Shadow } from "./shadow.js";
import { Crash, type SimulatedDisk } from "./simulated-disk.js";
import { difference, type Terms } from "./survival.js";
import { lookAt, viewOf } from "./views.js";

/** Where they are made. */
const BACKUPS = "/backups";
const RESTORED = "/restored";

/** The generation of a new directory. */
const GENERATION = 1;

/** Backups that are kept to be looked at. */
const KEPT = 2;

/** What a shard had when it was pinned. */
interface Pinned {
  readonly photo: Photograph;
  readonly claims: readonly Claim[];
  readonly channels: ReadonlyMap<string, unknown>;
  /** Some of its segments may have been compacted since it began. */
  readonly isAnew: boolean;
}

interface Backup {
  readonly path: string;
  /** The shards of the broker that it was made of, and which of them a name belongs to. */
  readonly shards: number;
  readonly shardOf: (name: string) => number;
  readonly pinned: (Pinned | undefined)[];
  /** Its segments, and what is known of them, by shard. */
  readonly files: ListedFile[];
  readonly ledgers: LedgerEntry[];
  /** Whoever asked was told that it is there. */
  isMade: boolean;
}

/** What is still to be done for a shard, one thing at a time. */
interface Copying {
  readonly number: number;
  readonly life: Life | undefined;
  /** Sequences of its segments. */
  readonly left: number[];
  readonly isOver: boolean;
}

/** Something that never happens to a backup has happened. */
class Failure extends Error {}

export class Backups {
  /** Backups that were made, and that failed or were interrupted. */
  made = 0;
  failed = 0;
  #kept: Backup[] = [];
  #current: { readonly backup: Backup; readonly copyings: Copying[]; readonly faults: number } | undefined;
  #count = 0;
  /** A job of it is under way. */
  #isBusy = false;

  constructor(
    readonly disk: SimulatedDisk,
    readonly makers: Makers,
    readonly shadow: Shadow,
  ) {
    disk.makeDirectory(BACKUPS);
    disk.syncDirectory("/");
  }

  /** Somebody asks for one. Only one is made at a time. */
  begin(broker: Broker): void {
    if (this.#current !== undefined) return;
    const shards = broker.lives.length;
    const path = `${BACKUPS}/${++this.#count}`;
    const backup: Backup = {
      path,
      shards,
      shardOf: (name) => broker.shardOf(name),
      pinned: Array.from({ length: shards }, () => undefined),
      files: [],
      ledgers: Array.from({ length: shards }, () => NO_SEGMENTS),
      isMade: false,
    };
    const copyings = backup.pinned.map((_, number) => ({ number, life: undefined, left: [], isOver: false }));
    this.#kept.push(backup);
    this.#current = { backup, copyings, faults: this.#faults };
    this.#try(broker, () => {
      const view = this.makers.view(this.disk);
      view.makeDirectory(path);
      this.makers.backup.begin(view, path, shards);
    });
  }

  /** Does a piece of what is to be done: a pin, a copy, or the end of it. */
  work(broker: Broker, now: number): void {
    const current = this.#current;
    if (current === undefined) return;
    const { backup, copyings } = current;
    this.#try(broker, () => {
      const copying = copyings.shift();
      if (copying === undefined) {
        for (const { journal } of broker.lives) journal.unpin();
        this.makers.backup.finish(this.makers.view(this.disk), backup.path, backup.ledgers, backup.files);
        backup.isMade = true;
        this.made++;
        this.#current = undefined;
        return;
      }
      const next = this.#copy(backup, broker, copying, now);
      if (!next.isOver) copyings.push(next);
    });
  }

  /** The thread of a shard has ended: the next one knows of no pin. A job in which it has ended has not been done. */
  died(broker: Broker, life: Life): void {
    const { copyings = [] } = this.#current ?? {};
    if (this.#isBusy || copyings.some((each) => each.life === life)) this.#fail(broker);
  }

  /** The broker ends in order. */
  stop(broker: Broker): void {
    if (this.#current !== undefined) this.#fail(broker);
  }

  /** A broker has started after the end of another. Looks at all backups there are. */
  judge(begin: (data: string, shards: number) => Broker, terms: (isAnew: boolean) => Terms): void {
    if (this.#current !== undefined) this.failed++;
    this.#current = undefined;
    this.#isBusy = false;
    for (const [i, backup] of this.#kept.entries()) {
      const shards = 1 + ((i + backup.shards) % 3);
      if (!this.#restore(backup)) this.#expectNothing(backup, begin);
      else compare(backup, begin(RESTORED, shards), (isAnew) => terms(isAnew || shards !== backup.shards));
      this.disk.removeDirectory(RESTORED);
      this.disk.syncDirectory("/");
    }
    const left = this.#kept.filter(({ isMade }) => isMade).slice(-KEPT);
    for (const backup of this.#kept) if (!left.includes(backup)) this.disk.removeDirectory(backup.path);
    this.#kept = left;
  }

  #copy(backup: Backup, broker: Broker, { number, life, left }: Copying, now: number): Copying {
    if (life === undefined) return this.#pin(backup, broker, number, now);
    const [sequence, ...rest] = left;
    if (sequence === undefined) return { number, life, left, isOver: true };
    const path = segmentPath(life.directory, sequence);
    const to = segmentPath(shardDirectory(backup.path, GENERATION, number), sequence);
    const input = { path, sequence, to };
    const copied = this.makers.backup.copy(this.makers.view(this.disk), this.makers.checksum, input);
    const { first } = backup.ledgers[number] ?? NO_SEGMENTS;
    backup.ledgers[number] = { first, last: sequence, bytes: copied.bytes };
    backup.files.push({ path: relative(backup.path, to), ...copied });
    return { number, life, left: rest, isOver: rest.length === 0 };
  }

  #pin(backup: Backup, broker: Broker, number: number, now: number): Copying {
    const life = broker.lives[number];
    if (life === undefined || !life.journal.pin(life.log, now)) {
      throw new Failure(`shard ${number} cannot make its messages durable now`);
    }
    const { all } = life.log.segments;
    backup.ledgers[number] = { ...NO_SEGMENTS, first: all[0]?.replaces ?? 1 };
    const isOf = (name: string): boolean => broker.shardOf(name) === number;
    backup.pinned[number] = {
      photo: new Photograph(life.shard),
      claims: [...this.shadow.claims(isOf, Durability.write)],
      channels: keptChannels(life.shard),
      isAnew: life.compactions > 0,
    };
    return { number, life, left: all.map(({ sequence }) => sequence), isOver: false };
  }

  /** Does something that may fail if the disk does, and only then. */
  #try(broker: Broker, act: () => void): void {
    const current = this.#current;
    this.#isBusy = true;
    try {
      act();
      this.#isBusy = false;
    } catch (error) {
      if (error instanceof Crash || error instanceof assert.AssertionError) throw error;
      const isExcused =
        this.#faults > (current?.faults ?? 0) || broker.lives.some(({ journal }) => journal.state.kind !== "working");
      assert.ok(isExcused, `a backup fails though nothing is wrong: ${String(error)}`);
      this.#fail(broker);
    }
  }

  #fail(broker: Broker): void {
    const path = this.#current?.backup.path;
    this.#current = undefined;
    this.#isBusy = false;
    this.failed++;
    for (const { journal } of broker.lives) journal.unpin();
    if (path === undefined) return;
    try {
      this.disk.removeDirectory(path);
    } catch (error) {
      if (!isDiskFault(error)) throw error;
    }
  }

  get #faults(): number {
    const { full, short, write, sync } = this.disk.hits;
    return full + short + write + sync;
  }

  /** False: it does not pass for a backup. */
  #restore({ path, isMade }: Backup): boolean {
    try {
      restoreData(this.disk, path, RESTORED, this.makers.checksum, () => undefined);
      return true;
    } catch (error) {
      if (!(error instanceof DataDirectoryError)) throw error;
      assert.ok(!isMade, `a backup that was made cannot be restored: ${error.message}`);
      return false;
    }
  }

  /** No broker may start on what an interrupted backup has left, and take what is there for everything. */
  #expectNothing({ path }: Backup, begin: (data: string, shards: number) => Broker): void {
    if (!hasFiles(this.disk, path)) return;
    try {
      begin(path, 1);
    } catch (error) {
      if (error instanceof DataDirectoryError || error instanceof DamageError) return;
      throw error;
    }
    assert.fail("a broker starts on a backup that was interrupted");
  }
}

/** What was restored is what the shards had when they were pinned. */
const compare = ({ pinned, shardOf }: Backup, broker: Broker, terms: (isAnew: boolean) => Terms): void => {
  const found = lookAt(broker.lives);
  const channels = new Map(broker.shards.flatMap((shard) => [...keptChannels(shard)]));
  for (const [number, had] of pinned.entries()) {
    assert.ok(had !== undefined, `a backup passes for one, and shard ${number} was never copied`);
    const view = viewOf(broker.shards, (name) => shardOf(name) === number);
    const why = difference(had.photo, had.photo, view, terms(had.isAnew));
    assert.ok(why === undefined, `a backup has what was not there: ${why}`);
    expectTrue(had.claims, found, "in a backup");
    for (const [name, kept] of had.channels) {
      assert.ok(isDeepStrictEqual(channels.get(name), kept), `channel ${name} is another in a backup`);
    }
  }
};

/** Whether there is a manifest or a segment. */
const hasFiles = (disk: Disk, path: string): boolean => {
  if (!disk.list("/backups").includes(path.slice("/backups/".length))) return false;
  try {
    if (readManifest(disk, path) !== undefined) return true;
  } catch {
    return true;
  }
  return disk
    .list(path)
    .some((generation) => generation.startsWith("generation-") && segmentsIn(disk, `${path}/${generation}`) > 0);
};

const segmentsIn = (disk: Disk, generation: string): number =>
  disk.list(generation).reduce((sum, shard) => sum + disk.list(`${generation}/${shard}`).length, 0);
