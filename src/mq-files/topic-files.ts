/**
 * Writes the messages of all kept channels to a file for each, for those who read files. What counts is what the broker
 * keeps: the files follow it, about a second behind, and are written on from where they end after whatever has happened to
 * the process. They are not synced: when the machine dies, what the disk has not got is written again.
 */
import type { Disk } from "../journal/disk.js";
import type { Beginning, ChannelSource, KeptChannel } from "./channel-source.js";
import { lineMaker, timeOf, timestampOf } from "./line.js";
import { TopicFile, TopicFileError } from "./topic-file.js";

/** Lines are written together up to so many characters; one line may be longer. */
const BATCH = 1024 * 1024;

/** Channels that are read at a time. A busy one must not keep the others waiting for long. */
const AT_A_TIME = 4;

/** Reading begins so much before the last line, in milliseconds; what is in the file already is left out. */
const OVERLAP = 1_000;

/** What is told of troubles and losses. */
export interface FilesLog {
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}

/** Up to where a channel is in its file. */
interface Written {
  readonly epoch: string;
  readonly next: number;
}

export class TopicFiles {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #source: ChannelSource;
  readonly #log: FilesLog;
  /** Of each channel whose file has been looked at. */
  readonly #written = new Map<string, Written>();
  /** Topics with a file that cannot be written: said once, until it can. */
  readonly #troubled = new Set<string>();

  constructor(disk: Disk, directory: string, source: ChannelSource, log: FilesLog) {
    this.#disk = disk;
    this.#directory = directory;
    this.#source = source;
    this.#log = log;
  }

  /** Writes what is not written yet. Rejects when the broker cannot be asked; troubles with files are logged. */
  async catchUp(): Promise<void> {
    const seen = new Set<string>();
    const channels = this.#source.channels()[Symbol.asyncIterator]();
    const take = async (): Promise<void> => {
      for (;;) {
        const { done, value: channel } = await channels.next();
        if (done === true) return;
        seen.add(channel.name);
        if (!this.#isWritten(channel)) await this.#write(channel);
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, take));
    for (const name of this.#written.keys()) if (!seen.has(name)) this.#written.delete(name);
    for (const name of this.#troubled) if (!seen.has(name)) this.#troubled.delete(name);
  }

  #isWritten({ name, epoch, first, next }: KeptChannel): boolean {
    if (first >= next) return true;
    const written = this.#written.get(name);
    return written?.epoch === epoch && written.next >= next;
  }

  async #write(channel: KeptChannel): Promise<void> {
    const { name } = channel;
    try {
      const file = TopicFile.open(this.#disk, this.#directory, name);
      try {
        await this.#append(channel, file);
      } finally {
        file.close();
      }
      if (this.#troubled.delete(name)) this.#log.warn({ topic: name }, "the file of a topic is written again");
    } catch (error) {
      // The next time begins where the file ends by then.
      this.#written.delete(name);
      if (!(error instanceof TopicFileError)) throw error;
      if (this.#troubled.has(name)) return;
      this.#troubled.add(name);
      this.#log.error(
        { topic: name, reason: error.message },
        "the file of a topic cannot be written; it is tried again",
      );
    }
  }

  async #append(channel: KeptChannel, file: TopicFile): Promise<void> {
    const { name, epoch, next } = channel;
    const written = this.#written.get(name);
    // What was written before this process, or before the channel began again, stands in the file.
    const place = written?.epoch === epoch ? written : undefined;
    const batch = new LineBatch(name, file, place === undefined ? file.lastTimestamp() : undefined);
    let reached = place?.next;
    const from = place === undefined ? beginningAfter(batch.last) : { position: place.next, epoch };
    for await (const { id, position, body } of this.#source.read(name, from)) {
      if (reached !== undefined && position > reached) {
        const lost = position - reached;
        this.#log.warn({ topic: name, lost }, "messages are gone that were not in their file yet");
      }
      batch.add(id, body);
      reached = position + 1;
      if (batch.isFull) this.#flush(channel, batch, reached);
      if (reached >= next) break;
    }
    // Undefined: nothing has come that would tell where the file ends within the channel.
    if (reached !== undefined) this.#flush(channel, batch, reached);
  }

  #flush({ name, epoch }: KeptChannel, batch: LineBatch, next: number): void {
    batch.flush();
    this.#written.set(name, { epoch, next });
  }
}

const beginningAfter = (last: bigint | undefined): Beginning =>
  last === undefined ? "start" : new Date(timeOf(last) - OVERLAP);

/** Lines that are written together. */
class LineBatch {
  readonly #file: TopicFile;
  readonly #lineOf: (timestamp: string, payload: Uint8Array) => string;
  #lines: string[] = [];
  #size = 0;

  /** `last`: of the file's last line, if there may come what is in the file already. */
  constructor(
    topic: string,
    file: TopicFile,
    readonly last: bigint | undefined,
  ) {
    this.#file = file;
    this.#lineOf = lineMaker(topic);
  }

  get isFull(): boolean {
    return this.#size >= BATCH;
  }

  add(id: string, body: Uint8Array): void {
    const timestamp = timestampOf(id);
    if (this.last !== undefined && BigInt(timestamp) <= this.last) return;
    const line = this.#lineOf(timestamp, body);
    this.#lines.push(line);
    this.#size += line.length;
  }

  flush(): void {
    if (this.#size > 0) this.#file.append(Buffer.from(this.#lines.join("")));
    this.#lines = [];
    this.#size = 0;
  }
}
