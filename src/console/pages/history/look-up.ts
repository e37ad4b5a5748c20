/** Looking up a message. */
import { type Client, type FoundMessage, RingmqError } from "ringmq/client";

/** Undefined: no queue has it, or there is no such topic any more; the journal may know of it all the same. */
export const lookUp = async (client: Client, topic: string, id: string): Promise<FoundMessage | undefined> => {
  try {
    return await client.lookup(topic, id);
  } catch (error) {
    if (error instanceof RingmqError && error.code === "NO_TOPIC") return undefined;
    throw error;
  }
};
