/**
 * The room for a backup. On the broker's own file system a backup leaves the broker its reserve, which is for acks and
 * deletions, and what publishes need beside it: a backup must not be why they are refused.
 */
import { stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { ENOUGH_AGAIN } from "../../workers/shard-thread-data.js";

export interface Room {
  /** Bytes that are free for an unprivileged process. */
  readonly free: number;
  /** Whether it is on the file system of the data directory. */
  readonly isShared: boolean;
}

/** Of the directory that a backup is made in; `data` is that of the broker. */
export type RoomOf = (directory: string, data: string) => Promise<Room>;

export const roomOfDirectory: RoomOf = async (directory, data) => {
  const [{ bavail, bsize }, there, here] = await Promise.all([statfs(directory), stat(directory), stat(data)]);
  return { free: bavail * bsize, isShared: there.dev === here.dev };
};

export class BackupRoom {
  constructor(
    readonly directory: string,
    readonly data: string,
    readonly reserve: number,
    readonly roomOf: RoomOf,
  ) {}

  /** Why `bytes` more do not fit there now; undefined: they do. */
  async lacks(bytes: number): Promise<string | undefined> {
    const { free, isShared } = await this.roomOf(this.directory, this.data);
    const kept = isShared ? Math.ceil(this.reserve * ENOUGH_AGAIN) : 0;
    if (free >= bytes + kept) return undefined;
    const shared = isShared ? `, of which ${kept} are for the broker (--disk-reserve)` : "";
    return `${bytes} bytes are still to be copied, and ${free} are free in ${dirname(this.directory)}${shared}: make room, or give another disk`;
  }
}
