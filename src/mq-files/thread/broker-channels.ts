/** The kept channels of the broker, by a client of it. */
import type { Client } from "../../client/client.js";
import type { Beginning, ChannelSource, KeptChannel, KeptMessage } from "../channel-source.js";

/** Milliseconds after which nobody waits any longer for messages that should be there. */
const PATIENCE = 2_000;

export class BrokerChannels implements ChannelSource {
  readonly #client: Client;
  readonly #patience: number;

  constructor(client: Client, patience = PATIENCE) {
    this.#client = client;
    this.#patience = patience;
  }

  async *channels(): AsyncIterable<KeptChannel> {
    for await (const channel of this.#client.channels()) if (channel.kept) yield channel;
  }

  async *read(channel: string, from: Beginning): AsyncIterable<KeptMessage> {
    // With credit, nothing is sent that is not read: it waits where it is kept.
    const subscription = await this.#client.subscribe(channel, { from, credit: "auto" });
    let hasCome = true;
    const watch = setInterval(() => {
      if (!hasCome) subscription.stop().catch(() => {});
      hasCome = false;
    }, this.#patience);
    try {
      for await (const { id, position, body } of subscription) {
        hasCome = true;
        if (id !== undefined) yield { id, position, body };
      }
    } finally {
      clearInterval(watch);
    }
  }
}
