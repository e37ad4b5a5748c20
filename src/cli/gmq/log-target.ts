/** The log of gmq's programs: to the console, to a file that is rotated by size, or to both. */
import { appendFileSync, closeSync, mkdirSync, openSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { RotatingFileStream } from "rotating-file-stream";
import type { Log } from "../../main/log.js";
import { ConfigError } from "../configuration-text.js";
import { createLog } from "../log-lines.js";
import { standardError } from "../standard-error.js";
import type { LogSettings, Rotation } from "./log-settings.js";

/** Bytes that wait for a disk that does not take them; lines beyond are dropped. */
const MAX_UNWRITTEN = 64 * 1024 * 1024;

/** How long a process that ends waits for its last lines to be written. */
const FLUSH_TIME = 2_000;

export interface ProgramLog {
  readonly log: Log;
  /** Whether the terminal is free for a progress bar. */
  readonly isOnConsole: boolean;
  /** Until all lines are written, or it takes too long. */
  readonly flush: () => Promise<void>;
  /** Puts into the file, if there is one, why the process ends at once; the console is told by others. */
  readonly noteFailure: (reason: string) => void;
}

/** ConfigError: its file cannot be written. */
export const openLog = async ({ level, isOnConsole, path, rotation }: LogSettings): Promise<ProgramLog> => {
  const stream = path === undefined ? undefined : await openFile(path, rotation);
  const say = standardError();
  const log = createLog(level, "text", (line, grave) => {
    if (isOnConsole) say(line, grave);
    if (stream !== undefined && stream.writableLength < MAX_UNWRITTEN) stream.write(line);
  });
  const noteFailure = (reason: string): void => {
    if (path === undefined) return;
    createLog("error", "text", (line) => appendFileSync(path, line)).error({}, reason);
  };
  return { log, isOnConsole, flush: () => flushed(stream), noteFailure };
};

const openFile = async (path: string, rotation: Rotation | undefined): Promise<RotatingFileStream> => {
  try {
    mkdirSync(dirname(path), { recursive: true });
    // The stream opens the file later; who may not write it shall know before anything has begun.
    closeSync(openSync(path, "a"));
  } catch (error) {
    throw new ConfigError(`the log file ${path} cannot be written: ${(error as Error).message}`);
  }
  const { createStream } = await import("rotating-file-stream");
  const rotated = rotation && { size: `${rotation.bytes}B`, rotate: rotation.kept };
  const stream = createStream(basename(path), { path: dirname(path), ...rotated });
  let isBroken = false;
  stream.on("error", (error) => {
    if (!isBroken) process.stderr.write(`the log file ${path} cannot be written: ${error.message}\n`);
    isBroken = true;
  });
  return stream;
};

const flushed = (stream: RotatingFileStream | undefined): Promise<void> =>
  new Promise((resolve) => {
    if (stream === undefined) return resolve();
    setTimeout(resolve, FLUSH_TIME);
    stream.end(() => resolve());
  });
