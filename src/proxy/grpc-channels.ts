/** The gRPC service, answered by other servers. */
import type { ChannelMessage, Channels, Feed, Refusal, SubscribeOptions, SubscriptionStart } from "../grpc/channels.js";
import type { MemmqClient } from "../memmq-client/client.js";
import type { PublishError } from "../memmq-client/publish-error.js";
import { Backlog } from "./backlog.js";
import { payloadOf } from "./entry.js";
import type { RelayStart, Relays } from "./relays.js";
import { publishUpstream, refusalOf } from "./upstream.js";

export interface GrpcChannelsParts {
  readonly client: MemmqClient;
  readonly relays: Relays;
  /** Some servers of a topic have not taken a message. */
  readonly partly: (error: PublishError) => void;
}

const codeAnd = ({ kind, text }: ReturnType<typeof refusalOf>): Refusal => ({ code: kind, text });

export class GrpcChannels implements Channels {
  readonly #parts: GrpcChannelsParts;
  readonly #feeds = new Set<RelayFeed>();

  constructor(parts: GrpcChannelsParts) {
    this.#parts = parts;
  }

  /** Subscribers. */
  get size(): number {
    return this.#feeds.size;
  }

  async publish(topic: string, payload: Uint8Array, key: string | undefined): Promise<Refusal | undefined> {
    const { client, partly } = this.#parts;
    const refusal = await publishUpstream(client, topic, payload, key, partly);
    return refusal && codeAnd(refusal);
  }

  subscribe(topic: string, options: SubscribeOptions): Promise<Feed | Refusal> {
    const { from = "now", position, overflow = "drop-oldest" } = options;
    const refuse = (text: string): Promise<Refusal> => Promise.resolve({ code: "NOT_ALLOWED", text });
    if (position !== undefined) return refuse("a proxy has no positions: its servers have, each its own");
    if (overflow === "block") return refuse("a proxy cannot hold publishers back: overflow=block is for servers");
    const start: RelayStart = typeof from === "number" ? new Date(from) : from;
    return new Promise((resolve) => {
      const feed: RelayFeed = new RelayFeed(new Backlog(overflow), () => this.#feeds.delete(feed), resolve);
      this.#feeds.add(feed);
      try {
        feed.join(this.#parts.relays, topic, start);
      } catch (error) {
        feed.stop(codeAnd(refusalOf(error)));
      }
    });
  }

  /** Tells all to go. */
  goodbye(): void {
    for (const feed of [...this.#feeds]) feed.stop({ code: "SHUTTING_DOWN", text: "the proxy stops" });
  }
}

class RelayFeed implements Feed {
  readonly start: SubscriptionStart = {};
  onReady: () => void = () => {};
  readonly #backlog: Backlog;
  readonly #closed: () => void;
  readonly #begun: (feed: Feed | Refusal) => void;
  #leave: () => void = () => {};
  #end: Refusal | undefined;

  constructor(backlog: Backlog, closed: () => void, begun: (feed: Feed | Refusal) => void) {
    this.#backlog = backlog;
    this.#closed = closed;
    this.#begun = begun;
  }

  join(relays: Relays, topic: string, start: RelayStart): void {
    this.#leave = relays.join(topic, start, {
      begun: () => this.#begun(this),
      message: (entry) => {
        const wasEmpty = this.#backlog.isEmpty;
        if (!this.#backlog.push(entry)) {
          this.stop({ code: "SLOW_SUBSCRIBER", text: "it fell too far behind" });
        } else if (wasEmpty) this.onReady();
      },
      lost: (count) => this.#backlog.lose(count),
      ended: (error) => this.stop(codeAnd(refusalOf(error))),
    });
  }

  /** Undefined as long as there is something to take. */
  get end(): Refusal | undefined {
    return this.#backlog.isEmpty ? this.#end : undefined;
  }

  take(): ChannelMessage | undefined {
    const next = this.#backlog.shift();
    if (next === undefined) return undefined;
    const payload = payloadOf(next.entry);
    return { payload, position: undefined, id: undefined, lost: next.lost, size: payload.length };
  }

  /** The backlog bounds what waits; what was taken is the stream's. */
  done(): void {}

  /** What has come can still be taken; whoever has not been given the feed yet is given the reason. */
  stop(why: Refusal): void {
    this.#end ??= why;
    this.#leave();
    this.#closed();
    this.#begun(this.#end);
    this.onReady();
  }

  close(): void {
    this.#leave();
    this.#backlog.clear();
    this.#closed();
  }
}
