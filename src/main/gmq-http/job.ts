/** The message of a push: `{"body","topic","delay","route_key"}`, `delay` in seconds. */
import { MAX_DELAY, MAX_NAME_BYTES } from "../../protocol/limits.js";

const MILLISECONDS = 1000;

export interface Job {
  readonly body: string;
  readonly topic: string;
  /** Milliseconds. */
  readonly delay: number;
  readonly routeKey: string;
}

/**
 * The job that JSON text describes, or what is wrong with it, for people. A field that is missing or null is empty, and
 * names are matched without regard to case when they do not match as they are, both as gmq's decoder does.
 */
export const parseJob = (text: string): Job | string => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return `data is not JSON: ${error instanceof Error ? error.message : String(error)}`;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "data is not a JSON object";
  const fields = value as Record<string, unknown>;
  const topic = field(fields, "topic") ?? "";
  const body = field(fields, "body") ?? "";
  const seconds = field(fields, "delay") ?? 0;
  const routeKey = field(fields, "route_key") ?? "";
  if (typeof topic !== "string") return "topic is not a string";
  if (typeof body !== "string") return "body is not a string";
  if (typeof seconds !== "number" || !Number.isInteger(seconds)) return "delay is not a whole number of seconds";
  if (typeof routeKey !== "string") return "route_key is not a string";
  if (topic === "") return "topic is empty";
  // Longer in characters is longer in bytes: the broker tells the rest, and a head stays small.
  if (topic.length > MAX_NAME_BYTES) return `topic is longer than ${MAX_NAME_BYTES} bytes`;
  if (routeKey.length > MAX_NAME_BYTES) return `route_key is longer than ${MAX_NAME_BYTES} bytes`;
  const delay = Math.max(0, seconds) * MILLISECONDS;
  if (delay > MAX_DELAY) return `delay is more than ${MAX_DELAY / MILLISECONDS} seconds`;
  return { body, topic, delay, routeKey };
};

const field = (fields: Readonly<Record<string, unknown>>, name: string): unknown => {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (value !== undefined) return value;
  for (const key in fields) {
    if (key.length === name.length && key.toLowerCase() === name) return fields[key];
  }
  return undefined;
};
