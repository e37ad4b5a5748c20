/**
 * The journal of a shard in files: writes what the log has appended, and says up to where it may be confirmed.
 *
 * Recovery relies on the order within a commit: the pages of a segment, its sync, the name of the next segment, the
 * sync of that name, its pages, its sync, the ledger. So if a segment has a whole head, everything before it is sealed and
 * durable; only the last segment can be torn, and only behind what the ledger says of it.
 *
 * A failed write changes nothing and is retried. A failed sync is never retried: the kernel may have dropped what it
 * could not write, and would report success.
 */
import { Durability } from "../protocol/op.js";
import type { Log } from "../shard/log/log.js";
import type { PageSource } from "../shard/log/pages.js";
import type { Segment } from "../shard/log/segment.js";
import { Ballast } from "./ballast.js";
import { DirectoryNames } from "./directory-names.js";
import type { Disk } from "./disk.js";
import { type Fault, isDiskFault, isOutOfDescriptors, isOutOfSpace, SyncError } from "./disk-fault.js";
import type { FileJournalOptions } from "./file-journal-options.js";
import type { Journal, JournalState } from "./journal.js";
import { segmentPath } from "./layout.js";
import { Ledger } from "./ledger.js";
import { LedgerKeeper } from "./ledger-keeper.js";
import { PageReader } from "./page-reader.js";
import { Reclaimer } from "./reclaimer.js";
import { SegmentWriter } from "./segment-writer.js";
import { MAX_SPARES, Spares } from "./spares.js";

/** Milliseconds that bytes may stay written but not synced. */
const SYNC_INTERVAL = 1000;

/** Most bytes that may be: the shard stops for the sync, some milliseconds. */
const MAX_UNSYNCED = 8 * 1024 * 1024;

/** Bytes of the last segment reserved for acks when no spare can be had, and the share of a small segment. */
const RESERVE_BYTES = 8 * 1024 * 1024;
const RESERVE_SHARE = 1 / 8;

/** Share of the messages of the open segment that are still needed, up to which a full disk is better off without it. */
const WASTED_SHARE = 1 / 8;

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
  readonly #hasSpace: (bytes: number) => boolean;
  readonly #names: DirectoryNames;
  readonly #ledger: LedgerKeeper;
  readonly #reclaimer: Reclaimer;
  readonly #reclaimFailed: FileJournalOptions["reclaimFailed"];
  readonly #reserve: FileJournalOptions["reserve"];
  readonly #home: FileJournalOptions["home"];
  #hasComplained = false;
  #state: JournalState = WORKING;
  /** Log positions up to which everything is written, and synced. */
  #written = 0;
  #synced = 0;
  /** Log position after the last commit mark. */
  #marked = -1;
  /** For which the ballast was given up. */
  #relieved: Fault | undefined;
  #isPinned = false;
  /** Time of the first write since the last sync; Infinity: there was none. */
  #dirtySince = Number.POSITIVE_INFINITY;
  #due = Number.NEGATIVE_INFINITY;
  /** When the open segment's file was opened. */
  #begunAt = 0;

  constructor(options: FileJournalOptions) {
    const { disk, directory, checksum, level, segmentBytes, nextSequence, wantSpare, removeLater } = options;
    this.level = level;
    this.#disk = disk;
    this.#directory = directory;
    this.#segmentBytes = segmentBytes;
    const names = new DirectoryNames(disk, directory);
    const reader = new PageReader(disk, directory, checksum, options.reserve);
    this.#hasSpace = options.hasSpace ?? (() => true);
    const spares = new Spares(disk, directory, segmentBytes, nextSequence, wantSpare, this.#hasSpace);
    this.#names = names;
    this.#reader = reader;
    this.#spares = spares;
    this.#writer = new SegmentWriter(disk, directory, checksum, names);
    this.#ballast = new Ballast(disk, directory, segmentBytes, wantSpare);
    this.#ledger = new LedgerKeeper(Ledger.open(disk, directory));
    this.#reclaimer = new Reclaimer({
      disk,
      directory,
      segmentBytes,
      names,
      ledger: this.#ledger,
      spares,
      reader,
      removeLater,
      hasSpace: this.#hasSpace,
    });
    this.#reclaimFailed = options.reclaimFailed;
    this.#reserve = options.reserve;
    this.#home = options.home;
    this.#reserve?.fill();
  }

  get state(): JournalState {
    return this.#state;
  }

  get synced(): number {
    return this.#synced;
  }

  /** A backup is under way: no file may be removed or changed. */
  get isPinned(): boolean {
    return this.#isPinned;
  }

  /** Removes a file that was to become a segment and will not. */
  discard(path: string): void {
    this.#attemptQuietly(() => this.#disk.remove(path));
  }

  commit(log: Log, now: number): number {
    const isMuch = log.position - this.#synced >= MAX_UNSYNCED;
    return this.#commit(log, now, log.demand >= Durability.fsync || isMuch);
  }

  /** Writes and syncs everything, whatever was demanded. False: see `state`. */
  sync(log: Log, now: number): boolean {
    return this.#commit(log, now, true) >= log.position && this.#state.kind === "working";
  }

  tick(log: Log, now: number): number {
    if (this.#state.kind === "failed") return Number.POSITIVE_INFINITY;
    // Space that nobody needs is not what keeps publishes out.
    if (this.#spares.isReady && !this.#hasSpace(0)) this.#spares.removeAll();
    if (now >= this.#ledgerDue) this.#attemptQuietly(() => this.#ledger.write(now));
    if (now < this.#due) return Math.min(this.#due, this.#ledgerDue);
    this.#due = Number.POSITIVE_INFINITY;
    if (this.#dirtySince + SYNC_INTERVAL <= now) this.#attemptQuietly(() => this.#sync(now));
    this.#turnOver(log, now);
    const isReclaimed = this.#reclaim(log, now);
    this.#provide(log, now);
    if (this.#state.kind === "working" && now >= this.#ballast.due && this.#hasSpace(this.#ballast.room)) {
      this.#ballast.provide(now);
    }
    if (this.#state.kind === "working") this.#reserve?.fill();
    if (this.#reserve?.isWhole === false) this.#callBy(now + SYNC_INTERVAL);
    if (this.#dirtySince < Number.POSITIVE_INFINITY) this.#callBy(this.#dirtySince + SYNC_INTERVAL);
    const isLeft = log.segments.reclaimable.length + this.#reclaimer.pending > 0;
    // One batch per turn, so that commits do not wait for all of them.
    if (isLeft && !this.#isPinned) this.#callBy(isReclaimed ? now : now + SYNC_INTERVAL);
    if (this.#spares.isShort || this.#ballast.due < Number.POSITIVE_INFINITY) this.#callBy(now + SYNC_INTERVAL);
    return Math.min(this.#due, this.#ledgerDue);
  }

  /** While the journal stands still its ledger is left as it is: who asks when, is not to come back at once for ever. */
  get #ledgerDue(): number {
    return this.#state.kind === "working" ? this.#ledger.due : Number.POSITIVE_INFINITY;
  }

  roomForPublishes(log: Log): boolean {
    if (this.#state.kind !== "working" || this.#ballast.isGivenUp) return false;
    const segment = log.segments.last;
    if (segment === undefined || !this.#spares.isShort) return true;
    return segment === this.#writer.segment && segment.used + this.#roomForAcks <= this.#writer.capacity;
  }

  get hindrance(): Fault | undefined {
    if (this.#state.kind === "stalled") return this.#state.error;
    return this.#spares.fault ?? (this.#ballast.isGivenUp ? this.#relieved : undefined);
  }

  /** The answer to `wantSpare`. Answers meant for an earlier run are ignored. */
  spareAnswered(path: string, isMade: boolean, now: number, fault?: Fault): void {
    if (!this.#ballast.answer(path, isMade, now)) this.#spares.answer(path, isMade, now, fault);
    this.#callBy(now);
  }

  /**
   * For a backup: seals and syncs everything, and leaves all files as they are until `unpin`. False: the journal is not
   * working.
   */
  pin(log: Log, now: number): boolean {
    this.#sealAll(log, now);
    this.#isPinned = this.#isHome(now) && this.#state.kind === "working";
    return this.#isPinned;
  }

  unpin(): void {
    this.#isPinned = false;
    this.#due = Number.NEGATIVE_INFINITY;
  }

  close(log: Log, now: number): void {
    this.#sealAll(log, now);
    this.#ledger.close();
    this.#writer.close();
    this.#reader.close();
    this.#reserve?.giveUp();
    this.#spares.removeAll();
  }

  /**
   * Puts a compacted segment in place of those it replaces: gives it its name and drops theirs. False: the rename
   * failed, and nothing has changed.
   */
  replace(path: string, { sequence, replaces }: Pick<Segment, "sequence" | "replaces">, log: Log): boolean {
    const replaced = log.segments.all.filter((each) => each.sequence >= replaces && each.sequence <= sequence);
    for (const each of replaced) this.#reader.forget(each.sequence);
    const fault = this.#attemptQuietly(() => this.#disk.rename(path, segmentPath(this.#directory, sequence)));
    if (fault !== undefined) return false;
    this.#names.changed();
    for (const each of replaced) if (each.sequence !== sequence) this.#reclaimer.leave(each.sequence);
    // If the name cannot be made durable now, the next commit begins with it, unless the sync has failed for good. Nothing
    // on disk relies on it yet, but what is read from now on is read from the new file.
    this.#attemptRemoval(() => this.#reclaimer.removeLeftovers());
    return true;
  }

  read(sequence: number, offset: number, into: Uint8Array, length: number): void {
    this.#reader.read(sequence, offset, into, length);
  }

  /** Writes, seals and syncs everything, unless `state` says otherwise. */
  #sealAll(log: Log, now: number): void {
    if (log.segments.last === undefined || log.segments.last.isSealed) return;
    // The mark says that everything before it is on disk: if it breaks later, recovery knows that it is damage.
    this.#commit(log, now, true);
    if (this.#state.kind !== "working") return;
    log.commitMark(this.#synced);
    this.#marked = log.position;
    log.seal();
    this.#commit(log, now, true);
    // If the end of the segment goes, that is noticed.
    if (this.#state.kind === "working") this.#attemptQuietly(() => this.#ledger.write(now));
  }

  #commit(log: Log, now: number, isSynced: boolean): number {
    if (this.#state.kind === "failed") return log.durable;
    if (log.position === log.durable && (!isSynced || log.position === this.#synced)) return log.durable;
    const work = (): void => {
      this.#home?.check(now);
      this.#names.sync();
      if (log.position !== log.durable && log.position !== this.#marked && log.segments.last?.isSealed === false) {
        log.commitMark(this.#synced);
        this.#marked = log.position;
      }
      this.#write(log, now);
      if (isSynced) this.#sync(now);
      this.#home?.confirm();
    };
    // The second attempt continues where the first one failed.
    if (!this.#attempt(log, now, work) && !(this.#makeRoom(now) && this.#attempt(log, now, work))) return log.durable;
    this.#state = WORKING;
    // At once, before others take the descriptors.
    if (this.#reserve?.isWhole === false) this.#reserve.fill();
    log.markDurable(log.position);
    this.#provide(log, now);
    this.#callBy(now + SYNC_INTERVAL);
    return log.position;
  }

  /** Runs `work`. False: it failed with a disk fault, which is in `state`. */
  #attempt(log: Log, now: number, work: () => void): boolean {
    try {
      work();
      return true;
    } catch (error) {
      if (!isDiskFault(error)) throw error;
      if (error instanceof SyncError) {
        this.#state = { kind: "failed", error };
      } else {
        this.#state = { kind: "stalled", error };
        // The segments before the one that failed are complete on disk, unless that is not where they are looked for.
        if (this.#synced > log.durable && this.#isHome(now)) log.markDurable(this.#synced);
      }
      return false;
    }
  }

  /** Whether what is on disk is where it is looked for. */
  #isHome(now: number): boolean {
    return this.#attemptQuietly(() => this.#home?.look(now)) === undefined;
  }

  /** Frees reserved space or descriptors if the journal is stalled for want of them. False: nothing could be freed. */
  #makeRoom(now: number): boolean {
    if (this.#state.kind !== "stalled") return false;
    if (isOutOfDescriptors(this.#state.error)) return this.#freeDescriptors(now);
    if (!isOutOfSpace(this.#state.error)) return false;
    this.#relieved = this.#state.error;
    const hasRoom = this.#ballast.giveUp(now);
    return this.#spares.removeAll() > 0 || hasRoom;
  }

  /** False: there were none to free. */
  #freeDescriptors(now: number): boolean {
    this.#callBy(now);
    const freed = this.#reader.close();
    return freed + (this.#reserve?.giveUp() ?? 0) > 0;
  }

  /** Runs optional work. Only a failed sync is serious. Returns the fault, if any. */
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

  /** Closes the open file and opens that of the next segment. */
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
    this.#home?.follow(segmentPath(this.#directory, segment.sequence));
  }

  /** Turns a spare into the file of a segment. False: somebody has removed the spare; the next one may exist. */
  #open(segment: Segment, now: number): boolean {
    const spare = this.#spares.take(now);
    try {
      this.#writer.open(segment, spare);
      return true;
    } catch (error) {
      if (this.#writer.segment === segment) throw error;
      if (isDiskFault(error) && error.code === "ENOENT") return false;
      // It still has its own name.
      this.#spares.add(spare);
      throw error;
    }
  }

  #sync(now: number): void {
    this.#writer.sync();
    const { segment } = this.#writer;
    if (segment !== undefined) this.#ledger.synced(segment.sequence, this.#written - segment.base, now);
    this.#synced = this.#written;
    this.#dirtySince = Number.POSITIVE_INFINITY;
  }

  /** Drops segments without live messages, once the records that made them so are durable. False: it failed for now. */
  #reclaim(log: Log, now: number): boolean {
    if (this.#isPinned) return true;
    const { pending } = this.#reclaimer;
    if (pending > 0 && !this.#attemptRemoval(() => this.#reclaimer.removeLeftovers())) return false;
    if (log.segments.reclaimable.length === 0) return true;
    if (this.#commit(log, now, true) < log.position || this.#state.kind !== "working") return false;
    return this.#attemptRemoval(() => this.#reclaimer.reclaim(log));
  }

  /** A failed removal is reported and tried again later. */
  #attemptRemoval(work: () => void): boolean {
    const fault = this.#attemptQuietly(work);
    if (fault !== undefined && !this.#hasComplained) this.#reclaimFailed?.(fault);
    this.#hasComplained = fault !== undefined;
    return fault === undefined;
  }

  /**
   * Ends the open segment where the disk is full and hardly anything in it is needed: as long as it is open it is neither
   * reclaimed nor compacted, and a disk that has no room for another would stay full for ever.
   */
  #turnOver(log: Log, now: number): void {
    const { last } = log.segments;
    if (last === undefined || last.isSealed || this.#isPinned || this.#state.kind !== "working") return;
    const { fault } = this.#spares;
    if (this.#hasSpace(0) && (fault === undefined || !isOutOfSpace(fault))) return;
    // Its head is no waste: the next one has as much. Until that is whole, what is before it stays.
    if (log.isDirectoryPending || log.position - last.headEnd < this.#roomForAcks) return;
    if (last.live > last.total * WASTED_SHARE) return;
    this.#sealAll(log, now);
    if (this.#state.kind !== "working") return;
    // A segment is reclaimed when there is a later one.
    log.commitMark(this.#synced);
    this.#marked = log.position;
    this.#commit(log, now, true);
  }

  /** Gets a spare ready before the open segment ends. */
  #provide(log: Log, now: number): void {
    if (!this.#hasSpace(0)) return;
    const used = log.segments.last?.used ?? 0;
    const growth = Math.max(0, this.#segmentBytes - Math.max(used, this.#writer.capacity));
    this.#spares.keepReady(used, growth, used >= this.#segmentBytes - this.#roomForAcks, this.#begunAt, now);
  }

  get #roomForAcks(): number {
    return Math.min(RESERVE_BYTES, this.#segmentBytes * RESERVE_SHARE);
  }

  #callBy(time: number): void {
    if (time < this.#due) this.#due = time;
  }
}
