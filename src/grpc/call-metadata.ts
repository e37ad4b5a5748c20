/** What calls say and hear beside their messages: see proto/mq.proto. */
import { Metadata } from "@grpc/grpc-js";
import { OVERFLOWS, type Overflow } from "../protocol/subscribe-options.js";
import type { Refusal, SubscribeOptions, SubscriptionStart } from "./channels.js";

class BadMetadata extends Error {}

/** The text of a key; the last one wins, as with flags. */
const textOf = (metadata: Metadata, key: string): string | undefined => metadata.get(key).at(-1)?.toString();

const refuse = (key: string, wanted: string, text: string): never => {
  throw new BadMetadata(`the metadata ${key} must be ${wanted}; it is ${JSON.stringify(text.slice(0, 100))}`);
};

const wholeNumber = (key: string, text: string, wanted: string): number => {
  const value = Number(text);
  return /^\d{1,16}$/.test(text) && Number.isSafeInteger(value) ? value : refuse(key, wanted, text);
};

const isOverflow = (text: string): text is Overflow => (OVERFLOWS as readonly string[]).includes(text);

const from = (text: string): NonNullable<SubscribeOptions["from"]> =>
  text === "now" || text === "start" ? text : wholeNumber("from", text, "start, now, or milliseconds since 1970");

const flag = (key: string, text: string): boolean =>
  text === "true" || text === "1" || (text !== "false" && text !== "0" && refuse(key, "true or false", text));

const overflow = (text: string): Overflow => (isOverflow(text) ? text : refuse("overflow", OVERFLOWS.join(", "), text));

const read = (metadata: Metadata): SubscribeOptions => {
  const given = <T>(key: string, parse: (text: string) => T): T | undefined => {
    const text = textOf(metadata, key);
    return text === undefined ? undefined : parse(text);
  };
  const options = {
    from: given("from", from),
    position: given("position", (text) => wholeNumber("position", text, "the number of a message, from 0")),
    epoch: given("epoch", (text) => (/^\d{1,20}$/.test(text) ? text : refuse("epoch", "that of ringmq-epoch", text))),
    recover: given("recover", (text) => flag("recover", text)),
    overflow: given("overflow", overflow),
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
};

/** The options of a Sub, or what is wrong with them. */
export const readSubscribe = (metadata: Metadata): SubscribeOptions | Refusal => {
  try {
    return read(metadata);
  } catch (error) {
    if (error instanceof BadMetadata) return { code: "BAD_ARGUMENT", text: error.message };
    throw error;
  }
};

/** The key of a Pub, for `conflate`. */
export const readKey = (metadata: Metadata): string | undefined => textOf(metadata, "key");

/** The token that a call shows: `authorization: Bearer …`. */
export const readToken = (metadata: Metadata): string | undefined => {
  const text = textOf(metadata, "authorization");
  return text === undefined ? undefined : (/^bearer +(\S{1,1024})$/i.exec(text.trim())?.[1] ?? NO_TOKEN);
};

/** Whoever shows something else is not taken for one who shows nothing. */
const NO_TOKEN = "";

/** The initial metadata of a Sub. */
export const startMetadata = (start: SubscriptionStart): Metadata => {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(start)) {
    if (value !== undefined) metadata.set(`ringmq-${name}`, String(value));
  }
  return metadata;
};
