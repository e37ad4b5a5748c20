/** The log for a terminal or a service manager: lines on standard error. */
import { escapeControls } from "../main/data/control-characters.js";
import type { Log } from "../main/log.js";

export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export const LOG_FORMATS = ["text", "json"] as const;

type Level = keyof Log;
type Fields = Readonly<Record<string, unknown>>;

const INDENT = "\n    ";

/** An error, its cause, the cause of that: more tells nothing, and a cause may be its own. */
const MAX_CAUSES = 8;

/** Lines of a stack trace, indented so that none looks like a log line. */
const stackLines = (stack: string): string => INDENT + escapeControls(stack, "\n").replaceAll("\n", INDENT);

/** Whatever was thrown: a line about it is no reason to end. */
const jsonOf = (value: unknown): string => {
  try {
    return JSON.stringify(value) ?? JSON.stringify(String(value));
  } catch {
    return JSON.stringify(String(value));
  }
};

const fieldText = (value: unknown): string => escapeControls(typeof value === "string" ? value : jsonOf(value), "");

/** The stacks of an error and of what has caused it. */
const stackOf = (error: Error): string => {
  const stacks: string[] = [];
  const open = [error];
  for (let next = open.shift(); next !== undefined && stacks.length < MAX_CAUSES; next = open.shift()) {
    stacks.push(next.stack ?? String(next));
    const causes = [...(next instanceof AggregateError ? next.errors : []), next.cause];
    open.push(...causes.filter((cause) => cause instanceof Error));
  }
  return stacks.join("\ncaused by: ");
};

/** What JSON has of an error: its own fields too, such as `code`, but no objects, which may be of any size. */
const errorFields = (error: Error): object => {
  const own = Object.entries(error).filter(([, value]) => ["string", "number", "boolean"].includes(typeof value));
  return { ...Object.fromEntries(own), type: error.name, message: error.message, stack: stackOf(error) };
};

/** `time LEVEL text  field=value …` on one line, with control characters escaped; an error's stack trace follows. */
const textLine = (level: Level, time: string, fields: Fields, text: string): string => {
  let below = "";
  let line = `${time} ${level.toUpperCase().padEnd(5)} ${escapeControls(text, "")}`;
  for (const [name, value] of Object.entries(fields)) {
    if (value instanceof Error) below += stackLines(stackOf(value));
    else if (value !== undefined) line += ` ${name}=${fieldText(value)}`;
  }
  return `${line}${below}\n`;
};

const jsonLine = (level: Level, time: string, fields: Fields, text: string): string => {
  const parts = [`{"level":"${level}","time":"${time}"`];
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    parts.push(`${JSON.stringify(name)}:${jsonOf(value instanceof Error ? errorFields(value) : value)}`);
  }
  return `${parts.join(",")},"msg":${JSON.stringify(text)}}\n`;
};

/** `write` is called with whole lines. */
export const createLog = (lowest: string, format: string, write: (text: string) => void): Log => {
  const levels: readonly string[] = LOG_LEVELS;
  const line = format === "json" ? jsonLine : textLine;
  const at = (level: Level): Log[Level] =>
    levels.indexOf(level) < levels.indexOf(lowest)
      ? () => {}
      : (fields, text) => write(line(level, new Date().toISOString(), fields as Fields, text));
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
};
