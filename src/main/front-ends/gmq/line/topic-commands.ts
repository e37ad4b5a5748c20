/** `set`, `queue` and `dead`. */
import type { AnswerFrame } from "../../../native/answer-frame.js";
import { eachMessage } from "../../../native/answer-reading.js";
import { parseConfig, readConfig, readDeclareQueue, requestConfig, requestDeclareQueue } from "../admin.js";
import { readDead, requestDead } from "../dead.js";
import type { LineClient } from "./client.js";
import type { Generation } from "./errors.js";
import { keyFault, topicFault } from "./words.js";

/** A command without a binary part: `words` are those behind its name. */
export type Command = (client: LineClient, words: readonly string[]) => void;

const params = (client: LineClient, count: number): void =>
  client.refuseAndEnd({ code: "E_INVALID_PARAMS", text: `${count} parameters required` });

/** Messages that `dead` lists at most. */
const MAX_LISTED = 1000;

export const set: Command = (client, words) => {
  if (words.length !== 5 && words.length !== 2) return params(client, 5);
  const [topic = "", autoAck = "", mode = "", ttr = "", retries = ""] = words;
  const generation: Generation = words.length === 2 ? 2 : 3;
  const fault = topicFault(topic);
  if (fault !== undefined) return client.refuseAndEnd(fault, generation);
  const config = parseConfig({ autoAck, mode, ttr, retries });
  if (typeof config === "string") return client.refuse({ code: "E_INVALID_SET", text: config }, generation);
  requestConfig(client.session, topic, config, (frame) => {
    const text = readConfig(frame);
    if (text === undefined) client.ok();
    else client.fail({ code: "E_INVALID_SET", text }, generation);
  });
};

export const queue: Command = (client, words) => {
  if (words.length !== 2) return params(client, 2);
  const [topic = "", bindKey = ""] = words;
  if (topic === "") return client.refuseAndEnd({ code: "E_INVALID_TOPIC", text: "topic name required" });
  const fault = topicFault(topic) ?? keyFault("bind key", bindKey);
  if (fault !== undefined) return client.refuseAndEnd(fault);
  if (bindKey === "") return client.refuseAndEnd({ code: "E_INVALID_BINDKEY", text: "bind key required" });
  requestDeclareQueue(client.session, topic, bindKey, (frame) => {
    const text = readDeclareQueue(frame, bindKey);
    if (text === undefined) client.ok();
    else client.fail({ code: "E_INVALID_DECLARE", text });
  });
};

/** With a number a list of the queue `default`, as the second generation has it; else one message of a queue. */
export const dead: Command = (client, words) => {
  if (words.length !== 2) return params(client, 2);
  const [topic = "", word = ""] = words;
  const isList = /^\d+$/.test(word);
  const generation: Generation = isList ? 2 : 3;
  const bindKey = isList ? "" : word;
  const fault = topicFault(topic) ?? keyFault("bind key", bindKey);
  if (fault !== undefined) return client.refuse(fault, generation);
  const max = isList ? Math.min(Math.max(Number(word), 1), MAX_LISTED) : 1;
  requestDead(client.session, topic, bindKey, max, (frame) => {
    const text = readDead(frame, bindKey);
    if (text !== undefined) return client.fail({ code: "E_INVALID_DEAD", text }, generation);
    if (isList) sayList(client, frame);
    else sayMessage(client, frame);
  });
};

const sayMessage = ({ responses }: LineClient, frame: AnswerFrame): void => {
  eachMessage(frame, (high, low, retry, start, end) => {
    responses.message(high, low, retry, frame.bytes, start, end);
  });
  responses.flush();
};

const sayList = ({ responses }: LineClient, frame: AnswerFrame): void => {
  const list = responses.openList();
  eachMessage(frame, (high, low, retry, start, end) => {
    responses.listed(list, high, low, retry, frame.bytes, start, end);
  });
  responses.closeList(list);
  responses.flush();
};
