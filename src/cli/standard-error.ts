/** Lines of the log on standard error. Where that is systemd's journal, each says how grave it is, as sd-daemon(3) has it. */
import { fstatSync } from "node:fs";

const STANDARD_ERROR = 2;

/** By pino's level, the lowest that has it. */
const PRIORITIES = [
  [50, 3],
  [40, 4],
  [30, 6],
  [0, 7],
] as const;

/** Whether standard error is the stream that systemd has told of (JOURNAL_STREAM): what is redirected elsewhere is not. */
const isJournal = (stream = process.env["JOURNAL_STREAM"]): boolean => {
  if (stream === undefined) return false;
  try {
    const { dev, ino } = fstatSync(STANDARD_ERROR);
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
};

/** Each line of `text` with its priority, from which the journal takes it off again. */
export const withPriority = (text: string, level: number): string => {
  const [, priority] = PRIORITIES.find(([from]) => level >= from) ?? [0, 7];
  return text.replaceAll(/^(?=.)/gm, `<${priority}>`);
};

/** Takes lines and pino's levels of them. */
export const standardError = (): ((text: string, level: number) => void) => {
  const prepare = isJournal() ? withPriority : (text: string) => text;
  return (text, level) => void process.stderr.write(prepare(text, level));
};
