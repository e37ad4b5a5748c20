/** Actors on kept channels: they publish, follow across crashes, and in the end read everything. */
import { setTimeout as delay } from "node:timers/promises";
import type { SubscribeOptions } from "../client/arguments/options.js";
import { RingmqError } from "../client/base/error.js";
import type { ChannelMessage } from "../client/channels/channel-message.js";
import type { Client } from "../client/client.js";
import { type ChannelLedger, type ChannelReader, newReader } from "./channel-ledger.js";
import type { TortureContext } from "./context.js";
import { IN_DOUBT } from "./in-doubt.js";
import type { Random } from "./random.js";

/** Several, so that more than one shard has some. Nothing of them is ever removed. */
export const CHANNELS = ["torture-kept-a", "torture-kept-b", "torture-kept-c"] as const;

/** Messages of one turn of a publisher, and milliseconds between its turns: all are kept, so they are few. */
const MAX_BURST = 30;
const MAX_PAUSE = 100;

/** How often a follower forgets where it was, and reads everything again. */
const ANEW = 0.1;

export const prepareChannels = async (client: Client): Promise<void> => {
  for (const name of CHANNELS) await client.configureChannel(name, { keep: true });
};

/** Publishes to a channel. `publisher` is its number there. */
export const publishToChannel = (
  context: TortureContext,
  random: Random,
  ledger: ChannelLedger,
  publisher: number,
): Promise<void> =>
  context.act(async (client) => {
    let isOpen = true;
    void client.closed.then(() => {
      isOpen = false;
    });
    while (isOpen && !context.isStopping) {
      for (let left = random.between(1, MAX_BURST); left > 0; left--) {
        const { number, body } = ledger.send(publisher);
        client.publishToChannel(ledger.name, body).then(
          ({ id }) => ledger.confirm(publisher, number, id),
          (error: unknown) => {
            if (!IN_DOUBT.has(context.refused(error).code)) ledger.refuse(publisher, number);
          },
        );
      }
      await delay(random.between(1, MAX_PAUSE));
    }
  });

/** Follows a channel from its start, across all crashes, as if there were none. */
export const follow = (context: TortureContext, random: Random, ledger: ChannelLedger): Promise<void> => {
  let reader = newReader();
  let epoch: string | undefined;
  return context.act(async (client) => {
    if (random.chance(ANEW)) {
      reader = newReader();
      epoch = undefined;
    }
    const from: SubscribeOptions["from"] = epoch === undefined ? "start" : { position: reader.next, epoch };
    const subscription = await client.subscribe(ledger.name, { from });
    if (subscription.recovered === false) ledger.notRecovered(reader, subscription.position);
    epoch = subscription.epoch;
    for await (const message of subscription) note(ledger, reader, message);
  });
};

/** Reads all of a channel, which nobody publishes to any longer, within `timeout` milliseconds, and judges what is there. */
export const readChannel = async (client: Client, ledger: ChannelLedger, timeout: number): Promise<void> => {
  const reader = newReader();
  const next = await endOf(client, ledger);
  const subscription = await client.subscribe(ledger.name, { from: "start" });
  const late = new AbortController();
  const enough = delay(timeout, undefined, { signal: late.signal }).catch(() => undefined);
  while (reader.next < next) {
    const message = await Promise.race([subscription.next(), enough]);
    if (message?.value === undefined) {
      ledger.findings.add("not drained", `${ledger.name}: ${reader.next} of ${next} after ${timeout / 1000} s`);
      break;
    }
    note(ledger, reader, message.value);
  }
  late.abort();
  await subscription.return();
  ledger.finish(reader);
};

/** The position behind the channel's last message. */
const endOf = async (client: Client, { name, findings }: ChannelLedger): Promise<number> => {
  try {
    const { kept, next } = await client.channelStats(name);
    if (!kept) findings.add("configuration", `${name} is not kept`);
    return next;
  } catch (error) {
    if (!(error instanceof RingmqError) || error.code !== "NO_TOPIC") throw error;
    findings.add("configuration", `${name} is gone`);
    return 0;
  }
};

const note = (ledger: ChannelLedger, reader: ChannelReader, message: ChannelMessage): void => {
  const { position, epoch, id, lost } = message;
  ledger.arrive(reader, { position, epoch, id, lost, text: message.text() });
};
