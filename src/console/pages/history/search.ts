/**
 * Looks for a message in all topics: an id does not tell which one it is of.
 */
import { type Client, RingmqError } from "ringmq/client";
import { lookUp } from "./look-up.js";

/** Topics that are asked for at a time: each is a small request, and a broker answers many thousands a second. */
const AT_ONCE = 64;

export interface Search {
  /** Topics that were asked for so far, and that there are. */
  readonly seen: number;
  readonly topics: number;
  /** The topics that have it. */
  readonly found: readonly string[];
}

const namesOf = async (client: Client, signal: AbortSignal): Promise<readonly string[]> => {
  const names: string[] = [];
  for await (const { name } of client.topics()) {
    if (signal.aborted) break;
    names.push(name);
  }
  return names;
};

/** Into some topics the reader may not look. */
const isIn = async (client: Client, topic: string, id: string): Promise<boolean> => {
  try {
    return (await lookUp(client, topic, id)) !== undefined;
  } catch (error) {
    if (error instanceof RingmqError && error.code === "FORBIDDEN") return false;
    throw error;
  }
};

/** Tells how it gets on; ends with the last topic, or early with the signal. Rejects as the client does. */
export async function* searchTopics(client: Client, id: string, signal: AbortSignal): AsyncGenerator<Search, void> {
  const names = await namesOf(client, signal);
  const found: string[] = [];
  for (let seen = 0; seen < names.length && !signal.aborted; seen += AT_ONCE) {
    yield { seen, topics: names.length, found: [...found] };
    const some = names.slice(seen, seen + AT_ONCE);
    const answers = await Promise.all(some.map((name) => isIn(client, name, id)));
    found.push(...some.filter((_, i) => answers[i]));
  }
  yield { seen: names.length, topics: names.length, found };
}
