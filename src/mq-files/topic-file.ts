/** A topic's file: finds where it ends, and appends. */
import { join } from "node:path";
import type { Disk, DiskFile } from "../journal/disk.js";
import { isDiskFault } from "../journal/disk-fault.js";
import { readFully, writeFully } from "../journal/whole-file.js";
import { fileName } from "./file-name.js";
import { BEGIN_BYTES, timestampIn } from "./line.js";

/** How much is read at a time in search of the last line. */
const LOOK_BYTES = 64 * 1024;

/** The longest line: a message of the largest size that a broker can be told, as base64, and what stands around it. */
const MAX_LINE_BYTES = 4 * Math.ceil(2 ** 28 / 3) + 4_096;

const NEWLINE = 0x0a;

/** A file cannot be written. The text tells why, or what to do. */
export class TopicFileError extends Error {
  override readonly name = "TopicFileError";
}

const onDisk = <T>(path: string, work: () => T): T => {
  try {
    return work();
  } catch (error) {
    if (!isDiskFault(error)) throw error;
    throw new TopicFileError(`${path}: ${error.message}`, { cause: error });
  }
};

export class TopicFile {
  readonly path: string;
  readonly #file: DiskFile;

  private constructor(path: string, file: DiskFile) {
    this.path = path;
    this.#file = file;
  }

  /** Opens it, or makes it. TopicFileError: the disk does not let it. */
  static open(disk: Disk, directory: string, topic: string): TopicFile {
    const path = join(directory, fileName(topic));
    return new TopicFile(
      path,
      onDisk(path, () => openOrMake(disk, path)),
    );
  }

  /**
   * The timestamp of the last line; undefined: there is none. A line that was cut off when a process or the machine died is
   * removed. TopicFileError: what stands there is no such line.
   */
  lastTimestamp(): bigint | undefined {
    return onDisk(this.path, () => this.#lastTimestamp());
  }

  /** Appends whole lines, or nothing: TopicFileError. They are not synced. */
  append(lines: Uint8Array): void {
    onDisk(this.path, () => {
      const { size } = this.#file;
      try {
        writeFully(this.#file, lines, 0, lines.length, size);
      } catch (error) {
        // Who reads the file need not see half a line. If this fails too, `lastTimestamp` does it before the next try.
        this.#file.truncate(size);
        throw error;
      }
    });
  }

  close(): void {
    this.#file.close();
  }

  #lastTimestamp(): bigint | undefined {
    const { size } = this.#file;
    const end = this.#lineBegin(size);
    if (end < size) this.#file.truncate(end);
    if (end === 0) return undefined;
    const begin = this.#lineBegin(end - 1);
    const bytes = new Uint8Array(Math.min(BEGIN_BYTES, end - begin));
    readFully(this.#file, bytes, bytes.length, begin);
    return timestampIn(Buffer.from(bytes.buffer).toString("latin1")) ?? this.#refuse();
  }

  /** Where the line begins that `end` is in: behind the last line feed before it. */
  #lineBegin(end: number): number {
    const bytes = new Uint8Array(LOOK_BYTES);
    for (let to = end; to > 0; ) {
      if (end - to > MAX_LINE_BYTES) this.#refuse();
      const from = Math.max(0, to - LOOK_BYTES);
      const read = readFully(this.#file, bytes, to - from, from);
      const at = bytes.subarray(0, read).lastIndexOf(NEWLINE);
      if (at >= 0) return from + at + 1;
      to = from;
    }
    return 0;
  }

  #refuse(): never {
    throw new TopicFileError(
      `${this.path} does not end with a message, as files of topics do: move it away, and it will be written anew`,
    );
  }
}

const openOrMake = (disk: Disk, path: string): DiskFile => {
  try {
    return disk.open(path, "write");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return disk.open(path, "create");
  }
};
