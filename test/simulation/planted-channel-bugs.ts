/** Bugs of kept channels: see planted-bugs.ts. */
import type { StoredChannel } from "../../src/shard/topics/stored-channel.js";
import { ageing, ending, following, forgetful } from "./directed-histories.js";
import type { Makers } from "./life.js";
import type { PlantedBug } from "./planted-bugs.js";

/** Changes each channel that the journal knows of, when it is made. */
const withChannels = (makers: Makers, change: (channel: StoredChannel) => void): Makers => ({
  ...makers,
  shard: (options) => {
    const shard = makers.shard(options);
    const { channels } = shard.directory;
    const add = channels.add.bind(channels);
    channels.add = (name, number, numbering) => {
      const channel = add(name, number, numbering);
      change(channel);
      return channel;
    };
    return shard;
  },
});

export const PLANTED_CHANNEL_BUGS: readonly PlantedBug[] = [
  {
    name: "messages of kept channels are sent before they are on disk",
    symptom: /is seen with two bodies|got message|goes on elsewhere|cannot go on/,
    historyOf: following,
    plant: (makers) =>
      withChannels(makers, (channel) => {
        channel.durableBefore = () => channel.numbering.next;
      }),
  },
  {
    name: "positions begin again where the oldest kept message is gone",
    symptom: /is seen with two bodies|got message|goes on elsewhere|cannot go on|has a gap|out of order/,
    historyOf: ageing,
    plant: (makers) =>
      withChannels(makers, (channel) => {
        const restore = channel.restore.bind(channel);
        channel.restore = (config, epoch) => restore(config, epoch, 0);
      }),
  },
  {
    name: "positions of what was in memory alone are given again in the same epoch",
    symptom: /is seen with two bodies|out of order/,
    historyOf: following,
    plant: (makers) =>
      withChannels(makers, (channel) => {
        const restore = channel.restore.bind(channel);
        channel.restore = (config, epoch, next) => {
          restore(config, epoch, next);
          channel.numbering.epoch = epoch;
        };
      }),
  },
  {
    name: "a restart takes another epoch for a channel that goes on",
    symptom: /cannot go on|got message/,
    historyOf: following,
    plant: (makers) =>
      withChannels(makers, (channel) => {
        const restore = channel.restore.bind(channel);
        channel.restore = (config, _epoch, next) => restore(config, "1", next);
      }),
  },
  {
    name: "whoever goes on is not told that messages are missing between what is kept",
    symptom: /is not told of the gap/,
    historyOf: forgetful,
    plant: (makers) =>
      withChannels(makers, (channel) => {
        Object.defineProperty(channel, "wholeFrom", { get: () => 0 });
      }),
  },
  {
    name: "what follows in a channel is sent before it is on disk that the channel is not kept",
    symptom: /is seen with two bodies|got message|goes on elsewhere|cannot go on/,
    historyOf: ending,
    plant: (makers) => ({
      ...makers,
      hasFooting: false,
      shard: (options) => {
        const { effects } = options;
        const open = effects.openChannel.bind(effects);
        effects.openChannel = (connections, channel, position, idHigh, idLow, isDurable) => {
          const isKept = shard.directory.findChannel(channel)?.settings.keep ?? false;
          open(connections, channel, position, idHigh, idLow, isDurable || !isKept);
        };
        const shard = makers.shard(options);
        return shard;
      },
    }),
  },
];
