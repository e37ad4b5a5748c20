/** The log of a shard's thread. The main thread writes the lines, which are few. */
import type { MessagePort } from "node:worker_threads";
import type { ShardMessage, ThreadLogLevel } from "./shard-messages.js";

/** `fields` are cloned: an error in them keeps its message and stack but loses its code. */
export type ThreadLog = { readonly [Level in ThreadLogLevel]: (fields: object, text: string) => void };

export const threadLog = (port: MessagePort): ThreadLog => {
  const say =
    (level: ThreadLogLevel) =>
    (fields: object, text: string): void =>
      port.postMessage({ kind: "log", level, fields, text } satisfies ShardMessage);
  return { info: say("info"), warn: say("warn"), error: say("error") };
};
