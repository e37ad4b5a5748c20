/**
 * Messages that were popped by hand: held until they are settled, or their lease ends.
 */
import { signal } from "@preact/signals";
import type { Client, Message } from "ringmq/client";

export interface HeldMessage {
  readonly message: Message;
  readonly queue: string;
  /** When its lease ends: milliseconds of the page's own clock, rather too early than too late. Undefined: it has none. */
  readonly end: number | undefined;
}

export interface PopWish {
  readonly queue: string;
  readonly max: number;
  /** Of the dead letters. */
  readonly isDead: boolean;
  /** The topic's TTR, in milliseconds. */
  readonly ttr: number;
}

export class HeldMessages {
  readonly all = signal<readonly HeldMessage[]>([]);
  readonly #client: Client;
  readonly #topic: string;

  constructor(client: Client, topic: string) {
    this.#client = client;
    this.#topic = topic;
  }

  /** Resolves with how many came. */
  async pop({ queue, max, isDead, ttr }: PopWish): Promise<number> {
    const asked = performance.now();
    const messages = await (isDead
      ? this.#client.popDead(this.#topic, { queue, max })
      : this.#client.pop(this.#topic, { queue, max }));
    const came = messages.map((message) => ({ message, queue, end: message.isAcked ? undefined : asked + ttr }));
    this.all.value = [...this.all.peek(), ...came];
    return came.length;
  }

  /** Settles one, which is held no more then. Rejects as the client does: it is held all the same if the lease is not over. */
  async settle(held: HeldMessage, act: (message: Message) => Promise<void>): Promise<void> {
    await act(held.message);
    this.forget(held);
  }

  /** Holds it for the TTR from now on. */
  async touch(held: HeldMessage, ttr: number): Promise<void> {
    const asked = performance.now();
    await held.message.touch();
    this.all.value = this.all.peek().map((each) => (each === held ? { ...held, end: asked + ttr } : each));
  }

  forget(held: HeldMessage): void {
    this.all.value = this.all.peek().filter((each) => each !== held);
  }

  /** Gives back what is still held. */
  leave(): void {
    for (const { message } of this.all.peek()) if (!message.isAcked) message.release().catch(() => {});
    this.all.value = [];
  }
}
