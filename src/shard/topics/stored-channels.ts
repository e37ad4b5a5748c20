/** The channels that the journal knows of, by name: those that are kept or configured. */
import { SortedNames } from "../../collections/sorted-names.js";
import type { Store } from "../messages/store.js";
import type { ChannelDefaults } from "./channel-defaults.js";
import { type Numbering, StoredChannel } from "./stored-channel.js";

export class StoredChannels {
  readonly byName = new Map<string, StoredChannel>();
  /** Sorted, for listings. */
  readonly names = new SortedNames();

  constructor(
    readonly store: Store,
    readonly defaults: ChannelDefaults,
  ) {}

  add(name: string, number: number, numbering: Numbering): StoredChannel {
    const channel = new StoredChannel(name, number, this.store, this.defaults, numbering);
    this.byName.set(name, channel);
    this.names.add(name);
    return channel;
  }

  remove(channel: StoredChannel): void {
    this.byName.delete(channel.name);
    this.names.remove(channel.name);
  }
}
