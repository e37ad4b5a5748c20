/** What commands that work on data directories share: errors as a line, and a bar while it takes. */
import { Presets, SingleBar } from "cli-progress";
import type { Command } from "commander";
import { DataDirectoryError, type OnRead } from "../inspection/index.js";

/** The exit code: it could not be done. */
const USAGE = 2;

const MEBIBYTE = 2 ** 20;

/** What is wrong with a directory, or with the disk, is said in a line. */
export const guarded = async (command: Command, work: () => Promise<void>): Promise<void> => {
  try {
    await work();
  } catch (error) {
    if (error instanceof DataDirectoryError) command.error(`error: ${error.message}`, { exitCode: USAGE });
    if (error instanceof Error && "syscall" in error) command.error(`error: ${error.message}`, { exitCode: USAGE });
    throw error;
  }
};

/** With a bar where there is a terminal; what it is about can take minutes. */
export const withBar = async <T>(verb: string, work: (onRead: OnRead) => Promise<T>): Promise<T> => {
  if (!process.stderr.isTTY) return await work(() => {});
  const format = `${verb} [{bar}] {percentage}% | {value} of {total} MiB | {eta_formatted} left`;
  const bar = new SingleBar(
    { stream: process.stderr, format, gracefulExit: false, clearOnComplete: true },
    Presets.legacy,
  );
  bar.start(1, 0);
  try {
    return await work((read, total) => {
      bar.setTotal(Math.ceil(total / MEBIBYTE));
      bar.update(Math.floor(read / MEBIBYTE));
      // The work is synchronous: the bar has no turn of its own.
      bar.updateETA();
    });
  } finally {
    bar.stop();
  }
};
