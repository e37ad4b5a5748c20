/** A disk that shows its calls in the thread's pulse, so that the watchdog does not blame a thread that waits for it. */
import type { Disk, DiskFile } from "../journal/disk.js";
import { Doing, type Pulse } from "./pulse.js";

const waiting = <T>(pulse: Pulse, call: () => T): T => {
  const before = pulse.at(Doing.disk);
  try {
    return call();
  } finally {
    pulse.at(before);
    pulse.beat();
  }
};

class WatchedFile implements DiskFile {
  constructor(
    readonly file: DiskFile,
    readonly pulse: Pulse,
  ) {}

  get size(): number {
    return waiting(this.pulse, () => this.file.size);
  }

  read(into: Uint8Array, start: number, length: number, at: number): number {
    return waiting(this.pulse, () => this.file.read(into, start, length, at));
  }

  write(from: Uint8Array, start: number, length: number, at: number): number {
    return waiting(this.pulse, () => this.file.write(from, start, length, at));
  }

  sync(): void {
    waiting(this.pulse, () => this.file.sync());
  }

  truncate(size: number): void {
    waiting(this.pulse, () => this.file.truncate(size));
  }

  close(): void {
    waiting(this.pulse, () => this.file.close());
  }
}

export const watchedDisk = (disk: Disk, pulse: Pulse): Disk => ({
  open: (path, mode) =>
    new WatchedFile(
      waiting(pulse, () => disk.open(path, mode)),
      pulse,
    ),
  rename: (from, to) => waiting(pulse, () => disk.rename(from, to)),
  remove: (path) => waiting(pulse, () => disk.remove(path)),
  list: (directory) => waiting(pulse, () => disk.list(directory)),
  makeDirectory: (path) => waiting(pulse, () => disk.makeDirectory(path)),
  removeDirectory: (path) => waiting(pulse, () => disk.removeDirectory(path)),
  syncDirectory: (path) => waiting(pulse, () => disk.syncDirectory(path)),
});
