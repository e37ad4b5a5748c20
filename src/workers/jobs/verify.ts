/** Checks every record of a segment that is sealed, so that the thread that replays it need not. */
import type { Disk } from "../../journal/disk.js";
import { SegmentFile } from "../../journal/segment-file.js";
import { checksum } from "./checksum.js";
import type { VerifyInput, VerifyResult } from "./job.js";

/** Read at a time: a system reads ahead more than this, and all threads of a pool together fit into a cache. */
const READ_BYTES = 1024 * 1024;

/** What is not whole is no error here: recovery finds it again and decides what it means. Throws when it cannot read. */
export const verify = async (disk: Disk, { path, sequence }: VerifyInput): Promise<VerifyResult> => {
  const sum = await checksum();
  const file = disk.open(path, "read");
  try {
    const segment = new SegmentFile(path, sequence, file, sum);
    if (typeof segment.head() === "string") return { bytes: 0, records: 0, isSealed: false };
    let memory = new Uint8Array(READ_BYTES);
    const buffer = (length: number): Uint8Array => {
      if (memory.length < length) memory = new Uint8Array(length);
      return memory;
    };
    const { end, records, isSealed } = segment.walk({ buffer, page: () => {} }, READ_BYTES);
    return { bytes: end, records, isSealed };
  } finally {
    file.close();
  }
};
