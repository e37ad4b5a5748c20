/**
 * Heads of PUBLISH by what they say. Publishers send to few topics many times, and encoding a head costs more than
 * everything else that is done with a small message.
 */
import { packHead } from "../../../protocol/head.js";
import { MAX_NAME_BYTES } from "../../../protocol/limits.js";

/** Heads kept: some hundred kilobytes at the longest names. The cache starts anew when it is full. */
const MAX_HEADS = 1024;

export class PublishHeads {
  readonly #heads = new Map<string, Uint8Array>();
  #topic = "";
  #routeKey = "";
  #delay = -1;
  #last: Uint8Array = new Uint8Array(0);

  /** @param delay milliseconds */
  get(topic: string, routeKey: string, delay: number): Uint8Array {
    if (topic !== this.#topic || routeKey !== this.#routeKey || delay !== this.#delay) {
      this.#last = this.#find(topic, routeKey, delay);
      this.#topic = topic;
      this.#routeKey = routeKey;
      this.#delay = delay;
    }
    return this.#last;
  }

  #find(topic: string, routeKey: string, delay: number): Uint8Array {
    // The topic's length keeps ("ab", "c") apart from ("a", "bc").
    const key = `${delay} ${topic.length} ${topic}${routeKey}`;
    // The broker refuses such names: they are not worth keeping, and could be of any length.
    if (topic.length > MAX_NAME_BYTES || routeKey.length > MAX_NAME_BYTES) return packHead([topic, routeKey, delay]);
    const found = this.#heads.get(key);
    if (found !== undefined) return found;
    if (this.#heads.size === MAX_HEADS) this.#heads.clear();
    const head = packHead([topic, routeKey, delay]);
    this.#heads.set(key, head);
    return head;
  }
}
