/**
 * What the answers to commands promise. An answer that says "done" is a promise that a loss of power must keep, as far as
 * the level goes that it names; every command has its line here, so that a new one cannot be forgotten.
 */
import { Durability } from "../../src/protocol/op.js";
import type { Command } from "../../src/shard/command.js";
import type { Shard } from "../../src/shard/shard.js";
import type { Answer } from "./staged-answers.js";
import type { ClientStep } from "./steps.js";

/**
 * Whose `Durability` an answer names: that of the topic, of the channel if it is kept, or the higher one of the broker and
 * the topic or channel as it is now. Gone: the same as it was before, when it was still there. None: what it says holds only as long as the broker lives.
 */
export type Level = "topic" | "kept" | "higher" | "gone" | "none";

export type Op = Command["op"];

export const PROMISES: Readonly<Record<Op, Level>> = {
  publish: "topic",
  answered: "none",
  ack: "topic",
  nack: "topic",
  release: "topic",
  // Leases end with the broker.
  touch: "none",
  cancel: "topic",
  reschedule: "topic",
  redrive: "topic",
  dropDead: "topic",
  purge: "topic",
  configure: "higher",
  declareQueue: "higher",
  deleteQueue: "gone",
  pause: "higher",
  resume: "higher",
  deleteTopic: "gone",
  publishChannel: "kept",
  configureChannel: "higher",
  deleteChannel: "gone",
  // What they hand out: the shadow knows what was delivered.
  pop: "none",
  popDead: "none",
  consume: "none",
  browse: "none",
  find: "none",
  delayed: "none",
  deadGroups: "none",
  lookup: "none",
  // What they change ends with the connection.
  credit: "none",
  seen: "none",
  stop: "none",
  subscribe: "none",
  unsubscribe: "none",
  channelCredit: "none",
  disconnect: "none",
  hold: "none",
  unhold: "none",
  // What they tell was promised by others.
  stats: "none",
  topics: "none",
  consumers: "none",
  explain: "none",
  channelStats: "none",
  channels: "none",
};

/** The ops whose answers promise something. All of them are what clients of a history do. */
export const PROMISING = (Object.keys(PROMISES) as Op[]).filter(
  (op): op is Op & ClientStep["do"] => PROMISES[op] !== "none",
);

/** The answers that say that a request was carried out. */
export type Done = Extract<Answer, { readonly kind: "confirm" | "settled" | "result" }>;

export const isDone = (answer: Answer): answer is Done =>
  answer.kind === "confirm" || answer.kind === "settled" || answer.kind === "result";

/** Whether it is the answer to a command: to one of its requests, if there are several in it. */
export const isAnswerTo = (command: Command, answer: Done): boolean => {
  if (!("request" in command) || answer.connection !== command.connection) return false;
  const requests = command.op === "publish" ? command.requests : 1;
  return answer.request >= command.request && answer.request < command.request + requests;
};

/** What topics and channels there are: the `Durability` that is configured, or the broker's. */
export interface Levels {
  readonly topics: ReadonlyMap<string, number>;
  readonly channels: ReadonlyMap<string, number>;
}

export const levelsOf = ({ directory }: Shard): Levels => ({
  topics: new Map([...directory.topics].map(({ name, level }) => [name, level])),
  channels: new Map([...directory.channels.byName.values()].map(({ name, level }) => [name, level])),
});

/** The `Durability` that the answer to a command must name, which has just been carried out; 0: any. `before`: it was. */
export const promised = (command: Command, { store, directory }: Shard, before: Levels): number => {
  const broker = store.level;
  const stored = "channel" in command ? directory.findChannel(command.channel)?.settings : undefined;
  const config = "topic" in command ? directory.find(command.topic)?.config : stored;
  const own = config?.durability === undefined ? broker : Durability[config.durability];
  switch (PROMISES[command.op]) {
    case "none":
      return 0;
    case "topic":
      return own;
    case "kept":
      return stored?.keep === true ? own : Durability.memory;
    case "gone": {
      const had = "topic" in command ? before.topics.get(command.topic) : undefined;
      return Math.max(broker, had ?? ("channel" in command ? before.channels.get(command.channel) : 0) ?? 0);
    }
    case "higher":
      return Math.max(broker, own);
  }
};
