/** The link to a shard in the same thread. Whoever runs the shard's pump calls `deliver` after each step. */
import { packEnvelope } from "../../channel/envelope.js";
import type { LocalChannel } from "../../channel/local-channel.js";
import type { Outlet, Sender, ShardLink } from "./shard-link.js";

const NOTHING = new Uint8Array(0);

export class LocalLink implements ShardLink {
  readonly isCongested = false;
  readonly #inbox: LocalChannel;
  readonly #outbox: LocalChannel;
  readonly #outlet: Outlet;
  #isClosed = false;

  constructor(
    readonly shard: number,
    { inbox, outbox }: { readonly inbox: LocalChannel; readonly outbox: LocalChannel },
    outlet: Outlet,
  ) {
    this.#inbox = inbox;
    this.#outbox = outbox;
    this.#outlet = outlet;
  }

  get isRead(): boolean {
    return this.#inbox.isEmpty;
  }

  send(_sender: Sender, envelope: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
    if (!this.#isClosed) this.#inbox.tryWrite(envelope, bytes, start, end);
    return true;
  }

  tell(op: number, connection: number): void {
    if (!this.#isClosed) this.#inbox.tryWrite(packEnvelope([op, connection]), NOTHING, 0, 0);
  }

  /** Passes on everything that the shard has sent. */
  deliver(): void {
    do while (!this.#outlet.flush());
    while (this.#outbox.drain(this.#outlet.record, 1) > 0);
  }

  close(): void {
    this.deliver();
    this.#isClosed = true;
  }
}
