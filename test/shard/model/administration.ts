/** What operators ask: configure, declare, delete, pause, purge, and how things are. */
import assert from "node:assert/strict";
import type { Configure, Purge, QueueCommand, TopicCommand, Topics } from "../../../src/shard/command.js";
import type { Effect, Witness } from "./effects.js";
import type { ModelQueue } from "./queue.js";
import { expectConfirm, expectResult, type World } from "./world.js";

export type Listing = TopicCommand<"stats"> | Topics;
export type Administering = Configure | Purge | QueueCommand | TopicCommand<"deleteTopic">;

/** Everybody who waits on queues that are going is told. */
const closeQueues = (queues: readonly ModelQueue[], witness: Witness): void => {
  const expected = queues.flatMap((queue) =>
    queue.waiters.map(({ kind, connection, request }) => {
      const error = "TOPIC_DELETED" as const;
      return {
        kind: kind === "consumer" ? ("consumerClosed" as const) : ("fail" as const),
        connection,
        request,
        error,
      };
    }),
  );
  const seen: Effect[] = [];
  while (witness.next?.kind === "consumerClosed" || witness.next?.kind === "fail") {
    seen.push(witness.take(witness.next.kind));
  }
  const inOrder = (effects: readonly Effect[]): string[] => effects.map((effect) => JSON.stringify(effect)).sort();
  assert.deepEqual(inOrder(seen), inOrder(expected));
};

const deleteQueues = (cmd: QueueCommand | TopicCommand, queues: readonly ModelQueue[], witness: Witness): number => {
  closeQueues(queues, witness);
  const count = queues.reduce((sum, { messages }) => sum + messages.size, 0);
  expectConfirm(cmd, count, witness);
  return count;
};

const purge = (cmd: Purge, world: World, witness: Witness): void => {
  const topic = world.findTopic(cmd.topic);
  const queue = topic.use(cmd.queue);
  let count = 0;
  for (const message of [...queue.messages.values()]) {
    if (cmd.state !== "all" && cmd.state !== message.state) continue;
    topic.returnCredit(message);
    queue.messages.delete(message.id);
    count++;
  }
  topic.counters.dropped += count;
  expectConfirm(cmd, count, witness);
};

export const administer = (cmd: Administering, world: World, witness: Witness): void => {
  switch (cmd.op) {
    case "configure": {
      const topic = world.useTopic(cmd.topic);
      topic.config = { ...topic.config, ...cmd.config };
      topic.isMeant = true;
      return expectResult(cmd, topic.config, witness);
    }
    case "declareQueue": {
      const queue = world.useTopic(cmd.topic).declare(cmd.queue);
      queue.isDeclared = true;
      queue.isMeant = true;
      return expectConfirm(cmd, 0, witness);
    }
    case "deleteQueue": {
      const topic = world.findTopic(cmd.topic);
      const queue = topic.find(cmd.queue);
      topic.counters.dropped += deleteQueues(cmd, [queue], witness);
      topic.queues.delete(queue.bindKey);
      return;
    }
    case "deleteTopic":
      deleteQueues(cmd, [...world.findTopic(cmd.topic).queues.values()], witness);
      world.topics.delete(cmd.topic);
      return;
    case "pause":
    case "resume": {
      const queue = world.findTopic(cmd.topic).use(cmd.queue);
      queue.paused = cmd.op === "pause";
      queue.isMeant = true;
      return expectConfirm(cmd, 0, witness);
    }
    case "purge":
      return purge(cmd, world, witness);
  }
};

/** How things are at this moment. */
export const list = (cmd: Listing, world: World, witness: Witness): void => {
  if (cmd.op === "stats") return expectResult(cmd, world.lookAt(cmd.topic).stats(), witness);
  const after = [...world.topics.values()]
    .filter(({ name }) => name > cmd.after)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const shown = after.slice(0, cmd.max).map((topic) => topic.stats());
  expectResult(cmd, [shown, after.length > cmd.max], witness);
};
