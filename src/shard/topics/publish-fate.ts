/** What became of the messages of a PUBLISH that are taken one by one, in runs: the RESULT of docs/protocol.md. */
import { ERRORS, type ErrorName, errorName, type ProtocolError } from "../../protocol/errors.js";
import { DUPLICATE } from "../../protocol/op.js";
import type { Publish } from "../command.js";
import type { Effects } from "../effects.js";

/**
 * So many messages were taken, with ids from this one on, with the flags of a CONFIRM: how durable they are, and whether it was
 * before.
 */
export type Taken = [messages: number, idHigh: number, idLow: number, flags: number];

/** They were taken; or were refused, with the code and the text of the error. */
export type PublishFate = Taken | [messages: number, code: number, text: string];

/** Adds messages that were taken. */
export const addTaken = (fates: PublishFate[], count: number, high: number, low: number, flags: number): void => {
  const last = fates.at(-1);
  if (last !== undefined && last[1] === high && last[2] === low - last[0] && last[3] === flags) last[0] += count;
  else fates.push([count, high, low, flags]);
};

/** Adds messages that were refused. */
export const addRefused = (fates: PublishFate[], count: number, { kind, message }: ProtocolError): void => {
  const { code } = ERRORS[kind];
  const last = fates.at(-1);
  if (last !== undefined && last[1] === code && last[2] === message) last[0] += count;
  else fates.push([count, code, message]);
};

/** Answers a publish, or each of merged ones. `level`: the `Durability` of all of it. */
export const answerFates = (effects: Effects, c: Publish, fates: readonly PublishFate[], level: number): void => {
  const { connection } = c;
  if (c.requests === 1 && fates.length > 1) return effects.result(connection, c.request, fates, level);
  let { request } = c;
  for (const [count, first, second, flags = 0] of fates) {
    const requests = c.requests === 1 ? 1 : count;
    if (typeof second === "string") {
      for (let i = 0; i < requests; i++) effects.fail(connection, request + i, errorName(first) as ErrorName, second);
    } else {
      const isDuplicate = (flags & DUPLICATE) !== 0;
      effects.confirm(connection, request, requests, first, second, count, flags & ~DUPLICATE, false, isDuplicate);
    }
    request += requests;
  }
};
