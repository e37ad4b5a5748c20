/** Heads of PUBLISH_CHANNEL by what they say: publishers send to few channels many times. */
import { packHead } from "../../../protocol/head.js";
import { MAX_NAME_BYTES } from "../../../protocol/limits.js";

/** Heads kept: some hundred kilobytes at the longest names. The cache starts anew when it is full. */
const MAX_HEADS = 1024;

export class ChannelHeads {
  readonly #heads = new Map<string, Uint8Array>();
  #channel = "";
  #key = "";
  #last: Uint8Array = new Uint8Array(0);

  /** An empty key is none. */
  get(channel: string, key: string): Uint8Array {
    if (channel !== this.#channel || key !== this.#key) {
      this.#last = this.#find(channel, key);
      this.#channel = channel;
      this.#key = key;
    }
    return this.#last;
  }

  #find(channel: string, key: string): Uint8Array {
    const head = (): Uint8Array => packHead(key === "" ? [channel] : [channel, key]);
    // Such names are refused: they are not worth keeping, and could be of any length.
    if (channel.length > MAX_NAME_BYTES || key.length > MAX_NAME_BYTES) return head();
    // The channel's length keeps ("ab", "c") apart from ("a", "bc").
    const name = `${channel.length} ${channel}${key}`;
    const found = this.#heads.get(name);
    if (found !== undefined) return found;
    if (this.#heads.size === MAX_HEADS) this.#heads.clear();
    const made = head();
    this.#heads.set(name, made);
    return made;
  }
}
