/** The log for a terminal or a service manager: lines on standard error. */
import { pino } from "pino";
import { escapeControls } from "../main/data/control-characters.js";
import type { Log } from "../main/log.js";

/** A log whose level can change. */
export interface LeveledLog extends Log {
  level: string;
}

interface Line {
  readonly level: string;
  readonly time: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

const INDENT = "\n    ";

/** Lines of a stack trace, indented so that none looks like a log line. */
const stackLines = (stack: string): string => INDENT + escapeControls(stack, "\n").replaceAll("\n", INDENT);

const fieldText = (value: unknown): string => {
  return escapeControls(typeof value === "string" ? value : JSON.stringify(value), "");
};

/** `time LEVEL text  field=value …` on one line, with control characters escaped; an error's stack trace follows. */
const formatLine = (json: string): string => {
  const { level, time, msg, ...fields } = JSON.parse(json) as Line;
  let below = "";
  let line = `${time} ${level.toUpperCase().padEnd(5)} ${escapeControls(msg, "")}`;
  for (const [name, value] of Object.entries(fields)) {
    if (name === "error" && typeof value === "object" && value !== null && "stack" in value) {
      below = stackLines(String(value.stack));
    } else {
      line += ` ${name}=${fieldText(value)}`;
    }
  }
  return `${line}${below}\n`;
};

/** Has pino note the level of each line. */
const METADATA = Symbol.for("pino.metadata");

/** `write` is called with whole lines, and pino's level of them. */
export const createLog = (level: string, format: string, write: (text: string, level: number) => void): LeveledLog => {
  const destination = {
    [METADATA]: true,
    /** Of the line that comes, as pino sets it. */
    lastLevel: 0,
    write(json: string): void {
      write(format === "json" ? json : formatLine(json), this.lastLevel);
    },
  };
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.err },
    },
    destination,
  );
};
