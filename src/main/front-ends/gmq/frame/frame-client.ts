/** One client of the first generation: reads its requests and carries them out. */
import type { Session } from "../../../native/session.js";
import type { Client, Codec } from "../../../ports/front-end.js";
import { TOPIC_IS_EMPTY } from "../words.js";
import { Acks } from "./acks.js";
import { Answers } from "./answers.js";
import { type Job, jobJson, readJob, readJobId } from "./job.js";
import type { JobTable } from "./job-table.js";
import { ownText } from "./own-text.js";
import { Pops } from "./pops.js";
import { Pushes } from "./pushes.js";
import { MAX_DATA_BYTES, Request } from "./request.js";

/** As gmq spells it. */
const UNKNOWN_COMMAND = "unkown cmd";

/** Topics of one pop: each is a request that waits. */
const MAX_TOPICS = 64;

/** Data so long may become longer when it is a job that is popped: it then has all fields. */
const LONG_BYTES = MAX_DATA_BYTES - 256;

/** A job that comes back has at most this for `ConsumeNum`. */
const MAX_RETRY = 0xffff;

export class FrameClient implements Codec {
  readonly #session: Session;
  readonly #request = new Request();
  readonly #answers: Answers;
  readonly #pops: Pops;
  readonly #pushes: Pushes;
  readonly #acks: Acks;
  /** What waits until all pops before it are answered; nothing behind it is read meanwhile. */
  #deferred: (() => void) | undefined;
  #release: (() => void) | undefined;
  /** The topics of the last pop, and how they were written. */
  #topics: readonly string[] = [];
  #topicsText = "";

  constructor(session: Session, client: Client, table: JobTable) {
    this.#session = session;
    this.#answers = new Answers(session, client);
    this.#pops = new Pops(session, this.#answers, table, () => this.#carryOn());
    this.#pushes = new Pushes(session, this.#answers, table);
    this.#acks = new Acks(session, this.#answers, table);
  }

  /** One request; pops with what else of their kind is there, so that they are asked for at once. */
  take(bytes: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end) {
      const next = this.#take(bytes, at, end);
      if (next === at) break;
      at = next;
      if (!this.#pops.areGathering || this.#session.isBlocked || this.#session.isDone) break;
    }
    this.#pops.start();
    return at;
  }

  #take(bytes: Buffer, start: number, end: number): number {
    const request = this.#request;
    const isWhole = request.read(bytes, start, end);
    if (isWhole === false) return start;
    if (isWhole !== true) {
      // Where the next request begins is anybody's guess.
      this.#answers.refuseInTurn(this.#answers.next(), isWhole);
      // Pops before it are still to be asked for.
      this.#pops.start();
      this.#session.end();
      return end;
    }
    switch (request.command) {
      case "push":
        this.#push(bytes.toString("utf8", request.start, request.end));
        break;
      case "pop":
        this.#pop(bytes.toString("utf8", request.start, request.end));
        break;
      case "ack":
        this.#ack(bytes.toString("utf8", request.start, request.end));
        break;
      case "ping":
        break;
      default:
        this.#answers.refuseInTurn(this.#answers.next(), UNKNOWN_COMMAND);
    }
    return request.end;
  }

  #push(data: string): void {
    const place = this.#answers.next();
    const job = readJob(data);
    if (typeof job === "string") return this.#answers.refuseInTurn(place, job);
    // Of the text: a byte that is no UTF-8 becomes three.
    if (Buffer.byteLength(data) > LONG_BYTES && isTooLong(job)) {
      return this.#answers.refuseInTurn(place, `with all its fields the job is longer than ${MAX_DATA_BYTES} bytes`);
    }
    this.#whenResolved(() => this.#pushes.push(place, job));
  }

  #pop(data: string): void {
    const place = this.#answers.next();
    const topics = this.#topicsOf(data);
    if (topics.length === 0) return this.#answers.refuseInTurn(place, TOPIC_IS_EMPTY);
    if (topics.length > MAX_TOPICS) return this.#answers.refuseInTurn(place, `a pop has at most ${MAX_TOPICS} topics`);
    if (this.#pops.takes(topics)) return this.#pops.add(place, topics);
    this.#whenResolved(() => {
      this.#pops.add(place, topics);
      this.#pops.start();
    });
  }

  #ack(data: string): void {
    const place = this.#answers.next();
    const id = readJobId(data);
    if (typeof id === "string") return this.#answers.refuseInTurn(place, id);
    // One that is not held may be among what the pops before bring.
    if (this.#acks.isHeld(id.text)) this.#acks.ack(place, id.text);
    else this.#whenResolved(() => this.#acks.ack(place, id.text));
  }

  #topicsOf(data: string): readonly string[] {
    if (data !== this.#topicsText) {
      const topics = new Set(data.split(",").filter((topic) => topic !== ""));
      // Some are kept in the table of jobs.
      this.#topics = topics.size > MAX_TOPICS ? [...topics] : [...topics].map(ownText);
      this.#topicsText = data;
    }
    return this.#topics;
  }

  #whenResolved(work: () => void): void {
    if (this.#pops.areResolved) return work();
    this.#deferred = work;
    // Not a hold, behind which little may come: a client that sends ahead would be cut off.
    this.#release = this.#session.pause();
  }

  /** All pops are answered. */
  #carryOn(): void {
    const work = this.#deferred;
    const release = this.#release;
    this.#deferred = undefined;
    this.#release = undefined;
    work?.();
    release?.();
  }
}

const isTooLong = ({ id, topic, delay, ttr, body }: Job): boolean =>
  Buffer.byteLength(jobJson(id, topic, delay, ttr, body, MAX_RETRY)) > MAX_DATA_BYTES;
