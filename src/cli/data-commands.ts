/** Shared by the commands on data directories: one-line errors and a progress bar. */
import type { Command } from "commander";
import type { OnRead } from "../inspection/index.js";
import { DataDirectoryError } from "../journal/damage-error.js";

/** Exit code: the command could not be carried out. */
const USAGE = 2;

const MEBIBYTE = 2 ** 20;

/** Runs a command. Errors of the data directory or the disk end the program with one line. */
export const reportErrors = async (command: Command, work: () => Promise<void>): Promise<void> => {
  try {
    await work();
  } catch (error) {
    if (error instanceof DataDirectoryError) command.error(`error: ${error.message}`, { exitCode: USAGE });
    if (error instanceof Error && "syscall" in error) command.error(`error: ${error.message}`, { exitCode: USAGE });
    throw error;
  }
};

/** Runs work that can take minutes with a progress bar, if there is a terminal. */
export const withProgressBar = async <T>(verb: string, work: (onRead: OnRead) => Promise<T>): Promise<T> => {
  if (!process.stderr.isTTY) return await work(() => {});
  const { Presets, SingleBar } = await import("cli-progress");
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
      // The work is synchronous, so the bar's own timer never runs.
      bar.updateETA();
    });
  } finally {
    bar.stop();
  }
};
