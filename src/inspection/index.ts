/**
 * Data directories that no broker uses: verified, shown, repaired, restored. Nothing here writes to what it looks at.
 */
import { loadChecksum } from "../journal/checksum.js";
import { nodeDisk } from "../journal/node-disk.js";
import { type DumpedRecord, type DumpOptions, dumpData } from "./dump.js";
import { repairData, type ShardRepair } from "./repair.js";
import { type Restored, restoreData } from "./restore.js";
import { expectUnused, shardsOf } from "./shard-files.js";
import { bytesOf, bytesToVerify, type ShardVerification, verifyData } from "./verification.js";

export { DataDirectoryError } from "../journal/damage-error.js";
export type { Damage } from "./damage.js";
export type { DumpedRecord, DumpOptions } from "./dump.js";
export { recordLine } from "./record-text.js";
export type { Loss, ShardRepair } from "./repair.js";
export type { Restored } from "./restore.js";
export type { ShardVerification } from "./verification.js";

/** Progress: bytes read, of how many. */
export type OnRead = (read: number, total: number) => void;

/** Each throws a `DataDirectoryError` when a process uses the directory, or when it is not a data directory. */
export const verify = async (data: string, onRead: OnRead): Promise<ShardVerification[]> => {
  const checksum = await loadChecksum();
  expectUnused(nodeDisk, data);
  return verifyData(nodeDisk, data, checksum, counted(bytesToVerify(nodeDisk, data, checksum), onRead));
};

export const dump = async (data: string, options: DumpOptions): Promise<Iterable<DumpedRecord>> => {
  const checksum = await loadChecksum();
  expectUnused(nodeDisk, data);
  return dumpData(nodeDisk, data, checksum, options);
};

export const repair = async (data: string, out: string, onRead: OnRead): Promise<ShardRepair[]> => {
  const checksum = await loadChecksum();
  expectUnused(nodeDisk, data);
  const total = bytesOf(shardsOf(nodeDisk, data, checksum));
  return repairData(nodeDisk, data, out, checksum, Date.now(), counted(total, onRead));
};

export const restore = async (backup: string, data: string, onRead: OnRead): Promise<Restored> => {
  const checksum = await loadChecksum();
  expectUnused(nodeDisk, backup);
  // All of it is verified, and then copied.
  const total = bytesToVerify(nodeDisk, backup, checksum) + bytesOf(shardsOf(nodeDisk, backup, checksum));
  return restoreData(nodeDisk, backup, data, checksum, counted(total, onRead));
};

const counted = (total: number, onRead: OnRead): ((bytes: number) => void) => {
  let read = 0;
  return (bytes) => {
    read += bytes;
    onRead(read, total);
  };
};
