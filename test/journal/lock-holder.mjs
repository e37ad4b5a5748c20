/**
 * A process that locks the directory it is given when it is told to, says how that went, and holds on until it is told
 * to let go or is killed. Runs from dist/.
 */
import { once } from "node:events";
import { DirectoryLock } from "../../dist/journal/lock.js";

const [, , directory] = process.argv;

// All at once: each process waits for the signal.
process.stdout.write("ready\n");
await once(process.stdin, "data");
try {
  const lock = DirectoryLock.acquire(directory);
  process.stdout.write("locked\n");
  await once(process.stdin, "data");
  lock.release();
  process.stdout.write("released\n");
} catch (error) {
  process.stdout.write(`refused: ${error.message}\n`);
}
process.stdin.destroy();
