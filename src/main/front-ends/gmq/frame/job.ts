/** Jobs: as a client pushes them, and as it gets them. */
import { MAX_NAME_BYTES } from "../../../../protocol/limits.js";
import { numberText } from "./json-number.js";

/** A job's id: its text, and whether the client gave it as a number. 5 and "5" are the same job. */
export interface JobId {
  readonly text: string;
  readonly isNumber: boolean;
}

/** A job as it was pushed. */
export interface Job {
  readonly id: JobId;
  readonly topic: string;
  /** Seconds. */
  readonly delay: number;
  /** Seconds; 0: the pop acks it. */
  readonly ttr: number;
  readonly body: string;
}

/** Bytes of an id: it travels with its message, and many are remembered. */
const MAX_ID_BYTES = 255;

/** Ten years, as the broker allows. */
const MAX_SECONDS = 10 * 365 * 24 * 3600;

/** What gmq calls the state of a job that somebody has popped. */
const RESERVED = 3;

/** Half of a surrogate pair, which has no UTF-8. */
const HALF_A_PAIR = /\p{Surrogate}/u;

const INTEGER = /^-?(?:0|[1-9]\d*)$/;

type Members = Readonly<Record<string, unknown>>;

/** The job in the data of a push, or what is wrong with it. */
export const readJob = (data: string): Job | string => {
  const members = parse(data);
  if (typeof members === "string") return members;
  const id = idOf(members, "Id", data);
  if (typeof id === "string") return id;
  const topic = memberOf(members, "Topic") ?? "";
  if (typeof topic !== "string") return "Topic is not a string";
  if (topic === "") return "job.topic is empty";
  if (Buffer.byteLength(topic) > MAX_NAME_BYTES) return `Topic is longer than ${MAX_NAME_BYTES} bytes`;
  const delay = secondsOf(members, "Delay");
  if (typeof delay === "string") return delay;
  const ttr = secondsOf(members, "TTR");
  if (typeof ttr === "string") return ttr;
  const body = memberOf(members, "Body") ?? "";
  if (typeof body !== "string") return "Body is not a string";
  return { id, topic, delay, ttr, body };
};

/** The id in the data of an ack, or what is wrong with it. */
export const readJobId = (data: string): JobId | string => {
  const members = parse(data);
  return typeof members === "string" ? members : idOf(members, "JobId", data);
};

/** A job as a pop answers it. */
export const jobJson = (id: JobId, topic: string, delay: number, ttr: number, body: string, consumed: number): string =>
  `{"Id":${id.isNumber ? id.text : JSON.stringify(id.text)},"Topic":${JSON.stringify(topic)},"Delay":${delay},"TTR":${ttr},` +
  `"Body":${JSON.stringify(body)},"Status":${RESERVED},"ConsumeNum":${consumed}}`;

/** Whether it is a number that an id may be. */
export const isInteger = (text: string): boolean => INTEGER.test(text);

const parse = (data: string): Members | string => {
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    return "data is not JSON";
  }
  return isObject(value) ? value : "data is not a JSON object";
};

const isObject = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A name as it is spelled in the data: regardless of case, but the right spelling comes first. */
const spellingOf = (members: Members, name: string): string | undefined => {
  if (Object.hasOwn(members, name)) return name;
  const lower = name.toLowerCase();
  return Object.keys(members).findLast((key) => key.length === name.length && key.toLowerCase() === lower);
};

const memberOf = (members: Members, name: string): unknown => {
  const spelling = spellingOf(members, name);
  return spelling === undefined ? undefined : members[spelling];
};

const idOf = (members: Members, name: string, data: string): JobId | string => {
  const spelling = spellingOf(members, name) ?? name;
  const value = memberOf(members, spelling) ?? "";
  if (value === "" || value === 0) return "job.id is empty";
  if (typeof value === "string") {
    if (Buffer.byteLength(value) > MAX_ID_BYTES) return `${name} is longer than ${MAX_ID_BYTES} bytes`;
    return { text: HALF_A_PAIR.test(value) ? Buffer.from(value).toString() : value, isNumber: false };
  }
  if (typeof value !== "number") return `${name} is neither a number nor a string`;
  const text = Number.isSafeInteger(value) ? String(value) : numberText(data, spelling);
  if (!isInteger(text)) return `${name} is not a whole number`;
  if (text.length > MAX_ID_BYTES) return `${name} is longer than ${MAX_ID_BYTES} bytes`;
  return { text, isNumber: true };
};

/** Less than nothing is nothing, as in gmq. */
const secondsOf = (members: Members, name: string): number | string => {
  const value = memberOf(members, name) ?? 0;
  if (typeof value !== "number" || !Number.isInteger(value)) return `${name} is not a whole number of seconds`;
  if (value > MAX_SECONDS) return `${name} is longer than ten years`;
  return Math.max(0, value);
};
