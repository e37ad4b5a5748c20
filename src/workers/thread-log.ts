/** The log of a shard's thread: lines are told to the main thread, which has one for all. Seldom used, and bounded so. */
import type { MessagePort } from "node:worker_threads";
import type { ShardMessage, ThreadLogLevel } from "./shard-messages.js";

/** `fields` is cloned: an error among them keeps its message and stack and loses its code. */
export type ThreadLog = { readonly [Level in ThreadLogLevel]: (fields: object, text: string) => void };

export const threadLog = (port: MessagePort): ThreadLog => {
  const say =
    (level: ThreadLogLevel) =>
    (fields: object, text: string): void =>
      port.postMessage({ kind: "log", level, fields, text } satisfies ShardMessage);
  return { info: say("info"), warn: say("warn"), error: say("error") };
};
