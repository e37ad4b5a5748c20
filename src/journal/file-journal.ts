/**
 * The journal of a shard, in files: brings what the log has appended to disk, and says up to where it may be confirmed.
 *
 * The order within a commit is what recovery relies on: the pages of a segment, its sync, the name of the next segment,
 * the sync of that name, its pages, its sync. So where there is a segment with a whole head, all before it is sealed and
 * durable; only the last one can be torn.
 *
 * A write that fails leaves everything as it was and is tried again. A sync that fails is never tried again: the kernel
 * may have forgotten what it could not write, and would say that all is well.
 */
import { Durability } from "../protocol/op.js";
import type { Log } from "../shard/log/log.js";
import type { PageSource } from "../shard/log/pages.js";
import type { Segment } from "../shard/log/segment.js";
import { Ballast } from "./ballast.js";
import type { Checksum } from "./checksum.js";
import type { DescriptorReserve } from "./descriptor-reserve.js";
import { DirectoryNames } from "./directory-names.js";
import type { Disk } from "./disk.js";
import { isDiskFault, isOutOfDescriptors, isOutOfSpace, SyncError } from "./disk-fault.js";
import type { Journal, JournalState } from "./journal.js";
import { segmentPath } from "./layout.js";
import { PageReader } from "./page-reader.js";
import { Reclaimer } from "./reclaimer.js";
import { SegmentWriter } from "./segment-writer.js";
import { type Fault, MAX_SPARES, Spares } from "./spares.js";

export interface FileJournalOptions {
  readonly disk: Disk;
  /** Of the shard; it is there. */
  readonly directory: string;
  readonly checksum: Checksum;
  readonly level: number;
  /** As the log's. */
  readonly segmentBytes: number;
  /** The first sequence that the log will begin, so that the names of spares of different runs differ. */
  readonly nextSequence: number;
  /**
   * Called when a spare will be needed: make a file of so many zeros there, durably, and call `spareAnswered`. Without
   * it, files are made when they are needed, which takes a commit some tens of milliseconds.
   */
  readonly wantSpare?: (path: string, bytes: number) => void;
  /**
   * Whether there is more room than is kept for acks and compaction: only then files are made ahead or kept. Without it
   * there always is, until a write says otherwise.
   */
  readonly hasSpace?: () => boolean;
  /** For when no file can be opened. Without it the journal waits until others are closed. */
  readonly reserve?: Pick<DescriptorReserve, "isWhole" | "fill" | "giveUp">;
  /**
   * Called with a file that counts no more: it is to be removed some time. Without it that is done at once, which takes
   * tens of milliseconds for a large file on some file systems.
   */
  readonly removeLater?: (path: string) => void;
  /** Files that nobody needs cannot be removed: told once until it has succeeded again. */
  readonly reclaimFailed?: (error: Error) => void;
}

/** Milliseconds that something may stay written and not synced. */
const SYNC_INTERVAL = 1000;

/** Bytes that may be so at most: the shard stands still while they are synced, some milliseconds. */
const MAX_UNSYNCED = 8 * 1024 * 1024;

/** Of a segment; when so much of it is used and there is no spare, one is asked for. */
const SPARE_SHARE = 1 / 4;

/**
 * Bytes a millisecond that a segment fills with at most if zeros are written ahead for the next one. At 300 MB/s they
 * would take a third of a microsecond of processor a message, and half of the disk.
 */
const ZEROED_RATE = 16 * 1024;

/** Room of the last segment that is kept for acks when there is no other, and its share of a small segment. */
const RESERVE_BYTES = 8 * 1024 * 1024;
const RESERVE_SHARE = 1 / 8;

const WORKING: JournalState = { kind: "working" };

export class FileJournal implements Journal, PageSource {
  readonly level: number;
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #segmentBytes: number;
  readonly #writer: SegmentWriter;
  readonly #reader: PageReader;
  readonly #spares: Spares;
  readonly #ballast: Ballast;
  readonly #hasSpace: () => boolean;
  readonly #names: DirectoryNames;
  readonly #reclaimer: Reclaimer;
  readonly #reclaimFailed: FileJournalOptions["reclaimFailed"];
  readonly #reserve: FileJournalOptions["reserve"];
  #hasComplained = false;
  #state: JournalState = WORKING;
  /** The log's positions up to which everything is in files, and on disk. */
  #written = 0;
  #synced = 0;
  /** The log's position behind the last commit mark. */
  #marked = -1;
  #isPinned = false;
  /** When something was written that is not synced; Infinity: nothing. */
  #dirtySince = Number.POSITIVE_INFINITY;
  #due = Number.NEGATIVE_INFINITY;
  /** When the open segment's file was begun. */
  #begunAt = 0;

  constructor(options: FileJournalOptions) {
    const { disk, directory, checksum, level, segmentBytes, nextSequence, wantSpare, removeLater } = options;
    this.level = level;
    this.#disk = disk;
    this.#directory = directory;
    this.#segmentBytes = segmentBytes;
    const names = new DirectoryNames(disk, directory);
    const reader = new PageReader(disk, directory, checksum, options.reserve);
    const spares = new Spares(disk, directory, segmentBytes, nextSequence, wantSpare);
    this.#names = names;
    this.#reader = reader;
    this.#spares = spares;
    this.#writer = new SegmentWriter(disk, directory, checksum, names);
    this.#ballast = new Ballast(disk, directory, segmentBytes, wantSpare);
    this.#hasSpace = options.hasSpace ?? (() => true);
    this.#reclaimer = new Reclaimer({
      disk,
      directory,
      segmentBytes,
      names,
      spares,
      reader,
      removeLater,
      hasSpace: this.#hasSpace,
    });
    this.#reclaimFailed = options.reclaimFailed;
    this.#reserve = options.reserve;
    this.#reserve?.fill();
  }

  get state(): JournalState {
    return this.#state;
  }

  /** No file may go or change at present. */
  get isPinned(): boolean {
    return this.#isPinned;
  }

  /** A file that was to become a segment, and is not. */
  discard(path: string): void {
    this.#attemptQuietly(() => this.#disk.remove(path));
  }

  commit(log: Log, now: number): number {
    const isMuch = log.position - this.#synced >= MAX_UNSYNCED;
    return this.#commit(log, now, log.demand >= Durability.fsync || isMuch);
  }

  /** Brings all that was appended to disk, whatever was demanded. False: see `state`. */
  sync(log: Log, now: number): boolean {
    return this.#commit(log, now, true) >= log.position && this.#state.kind === "working";
  }

  tick(log: Log, now: number): number {
    if (this.#state.kind === "failed") return Number.POSITIVE_INFINITY;
    if (now < this.#due) return this.#due;
    this.#due = Number.POSITIVE_INFINITY;
    if (this.#dirtySince + SYNC_INTERVAL <= now) this.#attempt(log, () => this.#sync());
    const isReclaimed = this.#reclaim(log, now);
    this.#provide(log, now);
    if (this.#state.kind === "working" && this.#hasSpace()) this.#ballast.provide(now);
    if (this.#state.kind === "working") this.#reserve?.fill();
    if (this.#reserve?.isWhole === false) this.#callBy(now + SYNC_INTERVAL);
    if (this.#dirtySince < Number.POSITIVE_INFINITY) this.#callBy(this.#dirtySince + SYNC_INTERVAL);
    const isLeft = log.segments.reclaimable.length + this.#reclaimer.pending > 0;
    // One batch a turn, so that commits do not wait for all of it.
    if (isLeft && !this.#isPinned) this.#callBy(isReclaimed ? now : now + SYNC_INTERVAL);
    if (this.#spares.isShort || this.#ballast.due < Number.POSITIVE_INFINITY) this.#callBy(now + SYNC_INTERVAL);
    return this.#due;
  }

  roomForPublishes(log: Log): boolean {
    if (this.#state.kind !== "working" || this.#ballast.isGivenUp) return false;
    const segment = log.segments.last;
    if (segment === undefined || !this.#spares.isShort) return true;
    return segment === this.#writer.segment && segment.used + this.#roomForAcks <= this.#writer.capacity;
  }

  /** The spare that was asked for is there, or could not be made. Answers to an earlier run are not heeded. */
  spareAnswered(path: string, isMade: boolean, now: number, fault?: Fault): void {
    if (!this.#ballast.answer(path, isMade, now)) this.#spares.answer(path, isMade, now, fault);
    this.#callBy(now);
  }

  /**
   * For a backup: seals and syncs all that there is, and lets no file of it go or change until `unpin`. False: it is not
   * working.
   */
  pin(log: Log, now: number): boolean {
    this.#sealAll(log, now);
    this.#isPinned = this.#state.kind === "working";
    return this.#isPinned;
  }

  unpin(): void {
    this.#isPinned = false;
    this.#due = Number.NEGATIVE_INFINITY;
  }

  close(log: Log, now: number): void {
    this.#sealAll(log, now);
    this.#writer.close();
    this.#reader.close();
    this.#reserve?.giveUp();
    this.#spares.removeAll();
  }

  /**
   * Gives a compacted segment its name and lets the segments go that it stands for, so that from then on it is read in
   * their place. False: the disk did not let it; then all is as it was.
   */
  replace(path: string, { sequence, replaces }: Pick<Segment, "sequence" | "replaces">, log: Log): boolean {
    const replaced = log.segments.all.filter((each) => each.sequence >= replaces && each.sequence <= sequence);
    for (const each of replaced) this.#reader.forget(each.sequence);
    const fault = this.#attemptQuietly(() => this.#disk.rename(path, segmentPath(this.#directory, sequence)));
    if (fault !== undefined) return false;
    this.#names.changed();
    for (const each of replaced) if (each.sequence !== sequence) this.#reclaimer.leave(each.sequence);
    // If the name cannot be made durable now, the next commit does it first: nothing is on disk that relies on it.
    this.#attemptRemoval(() => this.#reclaimer.removeLeftovers());
    return this.#state.kind !== "failed";
  }

  read(sequence: number, offset: number, into: Uint8Array, length: number): void {
    this.#reader.read(sequence, offset, into, length);
  }

  /** Everything written, sealed and synced, unless `state` says otherwise. */
  #sealAll(log: Log, now: number): void {
    if (log.segments.last === undefined || log.segments.last.isSealed) return;
    // The mark that follows says that all before it is on disk: so what breaks later is found to be damage.
    this.#commit(log, now, true);
    if (this.#state.kind !== "working") return;
    log.commitMark(this.#synced);
    this.#marked = log.position;
    log.seal();
    this.#commit(log, now, true);
  }

  #commit(log: Log, now: number, isSynced: boolean): number {
    if (this.#state.kind === "failed") return log.durable;
    if (log.position === log.durable && (!isSynced || log.position === this.#synced)) return log.durable;
    const work = (): void => {
      this.#names.sync();
      if (log.position !== log.durable && log.position !== this.#marked && log.segments.last?.isSealed === false) {
        log.commitMark(this.#synced);
        this.#marked = log.position;
      }
      this.#write(log, now);
      if (isSynced) this.#sync();
    };
    // What is written stays written: the second attempt goes on with what is not.
    if (!this.#attempt(log, work) && !(this.#makeRoom(now) && this.#attempt(log, work))) return log.durable;
    this.#state = WORKING;
    // At once, before others take them.
    if (this.#reserve?.isWhole === false) this.#reserve.fill();
    log.settled(log.position);
    this.#provide(log, now);
    this.#callBy(now + SYNC_INTERVAL);
    return log.position;
  }

  /** Does something with the disk; false: it was at fault, and `state` says how. */
  #attempt(log: Log, work: () => void): boolean {
    try {
      work();
      return true;
    } catch (error) {
      if (!isDiskFault(error)) throw error;
      if (error instanceof SyncError) {
        this.#state = { kind: "failed", error };
      } else {
        this.#state = { kind: "stalled", error };
        // The segments before the one at fault are on disk as a whole.
        if (this.#synced > log.durable) log.settled(this.#synced);
      }
      return false;
    }
  }

  /**
   * When the disk is full, or no file can be opened: gives back what was kept for that. False: it is something else, or
   * nothing is left.
   */
  #makeRoom(now: number): boolean {
    if (this.#state.kind !== "stalled") return false;
    if (isOutOfDescriptors(this.#state.error)) return this.#freeDescriptors(now);
    if (!isOutOfSpace(this.#state.error)) return false;
    const hasRoom = this.#ballast.giveUp(now);
    return this.#spares.removeAll() > 0 || hasRoom;
  }

  /** False: there was none to free. */
  #freeDescriptors(now: number): boolean {
    this.#callBy(now);
    const freed = this.#reader.close();
    return freed + (this.#reserve?.giveUp() ?? 0) > 0;
  }

  /** Does something with the disk that may as well not be done; only a failed sync is serious. Answers the fault. */
  #attemptQuietly(work: () => void): NodeJS.ErrnoException | undefined {
    try {
      work();
      return undefined;
    } catch (error) {
      if (!isDiskFault(error)) throw error;
      if (error instanceof SyncError) this.#state = { kind: "failed", error };
      return error;
    }
  }

  #write(log: Log, now: number): void {
    const { unwritten } = log;
    const last = unwritten.length - 1;
    for (let i = 0; i <= last; i++) {
      const page = unwritten[i];
      if (page === undefined || page.written === page.used) continue;
      const { segment } = page;
      if (segment === undefined) throw new Error("journal: a page that is in memory alone");
      if (segment !== this.#writer.segment) this.#begin(segment, now);
      this.#writer.write(page, i === last);
      if (this.#dirtySince > now) this.#dirtySince = now;
    }
    this.#written = log.position;
  }

  /** Ends the file that is open and begins that of the next segment. */
  #begin(segment: Segment, now: number): void {
    const { segment: before } = this.#writer;
    if (before !== undefined) {
      if (!before.isSealed) throw new Error("journal: a segment was left without its end");
      this.#writer.sync();
      this.#writer.close();
      this.#written = segment.base;
      this.#synced = segment.base;
      this.#dirtySince = Number.POSITIVE_INFINITY;
    }
    this.#begunAt = now;
    for (let attempt = 0; !this.#open(segment, now); attempt++) {
      if (attempt > MAX_SPARES) throw new Error("journal: there are more spares than there may be");
    }
  }

  /** Makes a spare the file of a segment. False: that one is gone, somebody has removed it; the next may be there. */
  #open(segment: Segment, now: number): boolean {
    const spare = this.#spares.take(now);
    try {
      this.#writer.open(segment, spare);
      return true;
    } catch (error) {
      if (this.#writer.segment === segment) throw error;
      if (isDiskFault(error) && error.code === "ENOENT") return false;
      // It has its own name still.
      this.#spares.add(spare);
      throw error;
    }
  }

  #sync(): void {
    this.#writer.sync();
    this.#synced = this.#written;
    this.#dirtySince = Number.POSITIVE_INFINITY;
  }

  /**
   * Lets the files go of segments that nobody needs. What has made their messages dead is made durable first. False: the
   * disk did not let it, now.
   */
  #reclaim(log: Log, now: number): boolean {
    if (this.#isPinned) return true;
    const { pending } = this.#reclaimer;
    if (pending > 0 && !this.#attemptRemoval(() => this.#reclaimer.removeLeftovers())) return false;
    if (log.segments.reclaimable.length === 0) return true;
    if (this.#commit(log, now, true) < log.position || this.#state.kind !== "working") return false;
    return this.#attemptRemoval(() => this.#reclaimer.reclaim(log));
  }

  /** A file that does not go hurts nobody at first: there is a next time, and somebody is told. */
  #attemptRemoval(work: () => void): boolean {
    const fault = this.#attemptQuietly(work);
    if (fault !== undefined && !this.#hasComplained) this.#reclaimFailed?.(fault);
    this.#hasComplained = fault !== undefined;
    return fault === undefined;
  }

  /** Sees to it that there is a spare when the open segment ends. */
  #provide(log: Log, now: number): void {
    if (!this.#hasSpace()) return;
    const used = log.segments.last?.used ?? 0;
    const spares = this.#spares;
    const isBusy = used > (now - this.#begunAt) * ZEROED_RATE;
    if ((used >= this.#segmentBytes * SPARE_SHARE && !isBusy) || spares.isShort) spares.request(now);
    const isEnding = used >= this.#segmentBytes - this.#roomForAcks && !spares.isDelegated;
    if (isEnding || spares.isShort) spares.provide(now);
  }

  get #roomForAcks(): number {
    return Math.min(RESERVE_BYTES, this.#segmentBytes * RESERVE_SHARE);
  }

  #callBy(time: number): void {
    if (time < this.#due) this.#due = time;
  }
}
