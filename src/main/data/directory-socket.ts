/**
 * A second lock of the data directory, of the directory itself and not of its name: a socket that is named after its device
 * and inode. The system gives that name to one process only, and takes it back when the process ends. So no second broker
 * of this machine gets in by another path (a link, a bind mount), or when the lock's file was deleted. On systems without
 * such sockets (other than Linux), and between containers, there is only the file (journal/lock.ts).
 */
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { platform } from "node:os";
import { placeAt } from "../../journal/home.js";

/** The name of a directory's socket. It begins with a zero byte, which tools show as "@". Any user may take such a name. */
export const socketOf = (directory: string): string => {
  const { device, inode } = placeAt(directory);
  return `\0ringmq-data-${device}-${inode}`;
};

export class DirectorySocket {
  private constructor(readonly server: Server | undefined) {}

  /** Undefined: another has it. `directory` exists. */
  static async take(directory: string): Promise<DirectorySocket | undefined> {
    if (platform() !== "linux") return new DirectorySocket(undefined);
    const server = createServer((socket) => socket.destroy());
    // Whoever connects to it while the process has no descriptor left must not end the broker.
    server.on("error", () => {});
    server.unref();
    // Exclusive: a process of a cluster would share its parent's.
    server.listen({ path: socketOf(directory), exclusive: true });
    try {
      await once(server, "listening");
      return new DirectorySocket(server);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") return undefined;
      // It may have no sockets at all. The file is a lock as well.
      return new DirectorySocket(undefined);
    }
  }

  close(): void {
    this.server?.close();
  }
}
