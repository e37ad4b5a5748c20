/** Messages as the commands print them: lines for people and pipes, objects for programs. */
import { plainHeaders } from "../../client/base/plain-content.js";
import type { ChannelMessage, Message, Reply, StoredMessage } from "../../client/index.js";
import { escapeControls } from "../../main/data/control-characters.js";
import { jsonText } from "./output.js";

const NEWLINE = Buffer.from("\n");

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

type Received = StoredMessage | ChannelMessage | Reply;

/** `body`, or `bodyBase64` where it is no text: `ringmq publish --json-lines` takes both. `headers` where there are any. */
const contentOf = (message: Received): object => {
  const headers = plainHeaders(() => message.headers);
  const hasHeaders = headers === undefined || Object.keys(Object(headers)).length > 0;
  return { ...(hasHeaders && { headers: headers ?? null }), ...bodyOf(message.body) };
};

const bodyOf = (body: Uint8Array): object => {
  try {
    return { body: strict.decode(body) };
  } catch {
    return { bodyBase64: Buffer.from(body).toString("base64") };
  }
};

export const storedObject = (message: StoredMessage): object => {
  const { id, retry, routeKey, time, deadReason, failures } = message;
  return {
    id,
    retry,
    ...(routeKey !== "" && { key: routeKey }),
    ...(time !== 0 && { time }),
    ...(deadReason && { deadReason }),
    ...(failures.length > 0 && { failures }),
    ...contentOf(message),
  };
};

/** With the end of its lease, if it has one. */
export const deliveredObject = (message: Message): object => {
  const { id, retry, routeKey, deadline } = message;
  return {
    id,
    retry,
    ...(routeKey !== "" && { key: routeKey }),
    ...(deadline !== 0 && { deadline }),
    ...contentOf(message),
  };
};

export const channelObject = (message: ChannelMessage): object => {
  const { position, epoch, id, time, lost } = message;
  return {
    position,
    ...(epoch !== undefined && { epoch }),
    ...(id !== undefined && { id, time }),
    ...(lost > 0 && { lost }),
    ...contentOf(message),
  };
};

export const replyObject = (reply: Reply): object => contentOf(reply);

/** The body as a line: its bytes, but on a terminal nothing that would control it. */
export const bodyLine = (message: Received, isTerminal: boolean): Uint8Array =>
  isTerminal ? Buffer.from(`${escapeControls(message.text(), "\t")}\n`) : Buffer.concat([message.body, NEWLINE]);

export const jsonLine = (value: object): Uint8Array => Buffer.from(`${jsonText(value)}\n`);

/** Why a dead letter is one; of one with a history the first line of the reason that was given last. */
export const deathText = ({ deadReason, lastReason }: StoredMessage): string => {
  if (lastReason === "") return deadReason ?? "";
  return deadReason === undefined ? shortText(lastReason) : `${deadReason}: ${shortText(lastReason)}`;
};

/** The beginning of a text, on one line. */
export const shortText = (text: string): string => {
  const shown = escapeControls(text.slice(0, SHOWN), "");
  return text.length > SHOWN ? `${shown}…` : shown;
};

/** Characters of a body, or of a reason, in a table. */
const SHOWN = 60;

/** The beginning of a body, on one line. */
export const shortBody = (message: StoredMessage): string => {
  // A character takes at most four bytes.
  const text = new TextDecoder().decode(message.body.subarray(0, SHOWN * 4));
  const shown = escapeControls(text.slice(0, SHOWN), "");
  return text.length > SHOWN || message.body.length > SHOWN * 4 ? `${shown}… (${message.body.length} bytes)` : shown;
};
