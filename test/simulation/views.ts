/** Everything that there is in a broker's shards, as the world sees it: photographs of them, and what an operator sees. */
import type { Browse, MessageState } from "../../src/shard/command.js";
import { BrowseCursor, browse } from "../../src/shard/messages/browse.js";
import type { Queue } from "../../src/shard/messages/queue.js";
import type { Shard } from "../../src/shard/shard.js";
import type { Life } from "./life.js";
import { Photograph, type View } from "./photograph.js";
import type { Found } from "./shadow.js";

/** Who looks at everything; no client has this number. */
const OBSERVER = 99;
const STATES: readonly MessageState[] = ["ready", "delayed", "in-flight", "dead"];

/** These topics as they are now, in whatever shard. */
export const viewOf = (shards: readonly Shard[], isAsked: (topic: string) => boolean): View => {
  const photos = shards.map((shard) => new Photograph(shard));
  return { topics: new Map(photos.flatMap(({ topics }) => [...topics].filter(([name]) => isAsked(name)))) };
};

/** Everything that there is, as an operator sees it; no time is played. */
export const lookAt = (lives: readonly Life[]): readonly Found[] =>
  lives.flatMap((life) =>
    [...life.shard.directory.topics].flatMap(({ queues }) =>
      [...queues.values()].flatMap((queue) => STATES.flatMap((state) => look(life, queue, state))),
    ),
  );

const look = ({ shard: { store }, held, free }: Life, queue: Queue, state: MessageState): readonly Found[] => {
  const topic = queue.topic.name;
  const found: Found[] = [];
  for (let request = 1; ; request++) {
    const offset = found.length;
    const about = { topic, queue: queue.bindKey, state, offset, max: 1000, maxBytes: 65_536 };
    const c: Browse = { op: "browse", connection: OBSERVER, request, ...about };
    browse(store, c, new BrowseCursor(store, queue, c));
    const page = [...held.take(), ...free.take()].flatMap((answer) =>
      answer.kind === "messages" ? answer.messages : [],
    );
    if (page.length === 0) return found;
    for (const message of page) found.push({ ...message, topic, queue: queue.bindKey });
  }
};
