/** What became of the messages of a PUBLISH that are taken one by one, in runs: the RESULT of docs/protocol.md. */
import { ERRORS, type ProtocolError } from "../../protocol/errors.js";

/** So many messages were taken, with ids from this one on; or were refused, with the code and the text of the error. */
export type PublishFate =
  | [messages: number, idHigh: number, idLow: number]
  | [messages: number, code: number, text: string];

/** Adds a message that was taken. */
export const addTaken = (fates: PublishFate[], high: number, low: number): void => {
  const last = fates.at(-1);
  if (last !== undefined && last[1] === high && last[2] === low - last[0]) last[0]++;
  else fates.push([1, high, low]);
};

/** Adds one that was refused. */
export const addRefused = (fates: PublishFate[], { kind, message }: ProtocolError): void => {
  const { code } = ERRORS[kind];
  const last = fates.at(-1);
  if (last !== undefined && last[1] === code && last[2] === message) last[0]++;
  else fates.push([1, code, message]);
};
