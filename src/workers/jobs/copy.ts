/** Copies a sealed segment, for a backup: checked while it is read, durable when it is done. */
import { dirname } from "node:path";
import type { Checksum } from "../../journal/checksum.js";
import type { Disk } from "../../journal/disk.js";
import { SegmentFile } from "../../journal/segment-file.js";
import { writeFully } from "../../journal/whole-file.js";
import type { CopyInput, CopyResult } from "./job.js";

const PIECE_BYTES = 1024 * 1024;

/** Throws when a record is not whole, and what the disk throws; what there is of the copy then is of no use. */
export const copy = (disk: Disk, checksum: Checksum, { path, sequence, to }: CopyInput): CopyResult => {
  const from = disk.open(path, "read");
  try {
    const into = disk.open(to, "create");
    try {
      let memory = new Uint8Array(PIECE_BYTES);
      const buffer = (length: number): Uint8Array => {
        if (memory.length < length) memory = new Uint8Array(length);
        return memory;
      };
      const page = (offset: number, used: number): void => writeFully(into, memory, 0, used, offset);
      const { end, isSealed, fault } = new SegmentFile(path, sequence, from, checksum).walk(
        { buffer, page },
        PIECE_BYTES,
      );
      if (!isSealed) throw new Error(`${path}, at byte ${end}: ${fault}`);
      into.sync();
      disk.syncDirectory(dirname(to));
      return { bytes: end };
    } finally {
      into.close();
    }
  } finally {
    from.close();
  }
};
