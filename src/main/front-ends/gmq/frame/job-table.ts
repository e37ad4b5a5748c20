/**
 * Which message a job is: an ack names nothing but the id that the client chose. One table for all clients of a broker. It
 * forgets what was pushed, or popped, longest ago when it is full; jobs that somebody holds are not driven out by pushes.
 */

/** A job that was pushed or popped. */
export interface JobEntry {
  readonly topic: string;
  /** Of its message; 0 while the push is not confirmed. */
  idHigh: number;
  idLow: number;
  /** The delivery under which it was popped last; 0: it has not been popped, or that lease is over. */
  readonly delivery: number;
  /** It has been popped at some time. */
  readonly isDelivered: boolean;
  /** Its push is not confirmed, or it is being asked about. */
  isBusy: boolean;
}

/** Jobs of each kind, and what they may take: ids, topics, and what an entry of a map takes beside them. */
const MAX_JOBS = 128 * 1024;
const MAX_BYTES = 32 * 1024 * 1024;
const ENTRY_BYTES = 160;

export class JobTable {
  readonly #pushed: Jobs;
  readonly #held: Jobs;

  constructor(maxJobs = MAX_JOBS, maxBytes = MAX_BYTES) {
    this.#pushed = new Jobs(maxJobs, maxBytes);
    this.#held = new Jobs(maxJobs, maxBytes);
  }

  get(id: string): JobEntry | undefined {
    return this.#held.get(id) ?? this.#pushed.get(id);
  }

  /** The job, which is not here, has this entry from now on. */
  add(id: string, entry: JobEntry): void {
    (entry.delivery === 0 ? this.#pushed : this.#held).set(id, entry);
  }

  /** The job has this entry from now on, whatever it had before. */
  set(id: string, entry: JobEntry): void {
    this.forget(id);
    this.add(id, entry);
  }

  /** The job has this entry if it still has `before`. */
  replace(id: string, before: JobEntry, entry: JobEntry): void {
    if (this.get(id) === before) this.set(id, entry);
  }

  /** The job is gone, if it still has this entry. */
  remove(id: string, entry: JobEntry): void {
    (entry.delivery === 0 ? this.#pushed : this.#held).remove(id, entry);
  }

  forget(id: string): void {
    this.#held.delete(id);
    this.#pushed.delete(id);
  }

  get size(): number {
    return this.#held.size + this.#pushed.size;
  }
}

/**
 * Entries by id in two halves. When the younger one is full it becomes the older one, and what was there is forgotten: a map
 * from which the oldest are taken one by one has to look for each among the places of those that are gone.
 */
class Jobs {
  #young = new Map<string, JobEntry>();
  #old = new Map<string, JobEntry>();
  readonly #maxJobs: number;
  readonly #maxBytes: number;
  /** Of the younger half. */
  #bytes = 0;

  /** What both halves hold at most. */
  constructor(maxJobs: number, maxBytes: number) {
    this.#maxJobs = maxJobs / 2;
    this.#maxBytes = maxBytes / 2;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(id: string): JobEntry | undefined {
    return this.#young.get(id) ?? this.#old.get(id);
  }

  /** There is none of this id. */
  set(id: string, entry: JobEntry): void {
    const bytes = bytesOf(id, entry);
    if (this.#young.size >= this.#maxJobs || this.#bytes + bytes > this.#maxBytes) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#bytes = 0;
    }
    this.#young.set(id, entry);
    this.#bytes += bytes;
  }

  remove(id: string, entry: JobEntry): void {
    if (this.#young.get(id) === entry) {
      this.#young.delete(id);
      this.#bytes -= bytesOf(id, entry);
    } else if (this.#old.get(id) === entry) this.#old.delete(id);
  }

  delete(id: string): void {
    const entry = this.#young.get(id);
    if (entry === undefined) {
      this.#old.delete(id);
      return;
    }
    this.#young.delete(id);
    this.#bytes -= bytesOf(id, entry);
  }
}

const bytesOf = (id: string, { topic }: JobEntry): number => ENTRY_BYTES + 2 * (id.length + topic.length);
