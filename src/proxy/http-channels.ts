/** memmq's routes over HTTP, answered by other servers. */

import type { ChannelClient, Channels, OnPublished, Refusal, Sink } from "../main/front-ends/memmq/channels.js";
import { eachEntry } from "../main/native/answer-reading.js";
import type { SessionClient } from "../main/native/session-client.js";
import type { SubscribeOptions } from "../main/native/session-pushes.js";
import type { Caller } from "../main/ports/http/caller.js";
import type { MemmqClient } from "../memmq-client/client.js";
import type { PublishError } from "../memmq-client/publish-error.js";
import { Backlog } from "./backlog.js";
import type { RelayStart, Relays } from "./relays.js";
import { publishUpstream, refusalOf } from "./upstream.js";

/** What is written to a client whose socket takes no more, before the rest waits here. Bytes. */
const MAX_UNSENT = 256 * 1024;
const CHUNK = 64 * 1024;

export interface HttpChannelsParts {
  readonly client: MemmqClient;
  readonly relays: Relays;
  /** Some servers of a topic have not taken a message. */
  readonly partly: (error: PublishError) => void;
}

const UNKNOWN_START = {
  epoch: undefined,
  position: undefined,
  kept: false,
  recovered: undefined,
  lost: undefined,
} as const;

export class HttpChannels implements Channels {
  readonly #parts: HttpChannelsParts;
  readonly #clients = new Set<ProxyClient>();

  constructor(parts: HttpChannelsParts) {
    this.#parts = parts;
  }

  /** WebSockets and answers without an end. */
  get size(): number {
    return this.#clients.size;
  }

  publish(_caller: Caller, channel: string, key: string, entry: Uint8Array, onPublished: OnPublished): void {
    publishEntries(this.#parts, channel, key, entry, onPublished);
  }

  open(_what: string, _caller: Caller, client: SessionClient): ChannelClient {
    const opened = new ProxyClient(this.#parts, client, () => this.#clients.delete(opened));
    this.#clients.add(opened);
    return opened;
  }

  /** Tells all to go. */
  goodbye(): void {
    for (const client of [...this.#clients]) client.goodbye();
  }

  /** Once a second. */
  sweep(now: number): void {
    for (const client of this.#clients) client.sweep(now);
  }
}

const publishEntries = (
  { client, partly }: HttpChannelsParts,
  channel: string,
  key: string,
  entries: Uint8Array,
  onPublished: OnPublished,
): void => {
  const view = new DataView(entries.buffer, entries.byteOffset, entries.byteLength);
  const fates: Promise<Refusal | undefined>[] = [];
  eachEntry(view, 0, entries.length, (start, end) => {
    // The client copies it before this returns.
    const payload = entries.subarray(start, end);
    fates.push(publishUpstream(client, channel, payload, key === "" ? undefined : key, partly));
  });
  void Promise.all(fates).then((refusals) => onPublished(refusals.find((refusal) => refusal !== undefined)));
};

class ProxyClient implements ChannelClient {
  readonly #parts: HttpChannelsParts;
  readonly #client: SessionClient;
  readonly #gone: () => void;
  #sink: Sink | undefined;
  #backlog: Backlog | undefined;
  #leave: (() => void) | undefined;
  #hasBegun = false;
  #isDue = false;

  constructor(parts: HttpChannelsParts, client: SessionClient, gone: () => void) {
    this.#parts = parts;
    this.#client = client;
    this.#gone = gone;
  }

  heard(): void {}

  unsent(): void {}

  drained(): void {
    this.#flush();
  }

  closed(): void {
    this.#leave?.();
    this.#sink = undefined;
    this.#gone();
  }

  goodbye(): void {
    this.#client.end();
  }

  sweep(now: number): void {
    this.#client.sweep(now);
  }

  atTurnEnd(work: () => void): void {
    setImmediate(work);
  }

  publish(channel: string, key: string, entries: Uint8Array, onPublished: OnPublished): void {
    publishEntries(this.#parts, channel, key, entries, onPublished);
  }

  subscribe(channel: string, { overflow, from, position }: SubscribeOptions, sink: Sink): void {
    const refuse = (text: string): void => queueMicrotask(() => sink.ended({ kind: "NOT_ALLOWED", text }));
    if (position !== undefined) return refuse("a proxy has no positions: its servers have, each its own");
    if (overflow === "block") return refuse("a proxy cannot hold publishers back: overflow=block is for servers");
    this.#sink = sink;
    this.#backlog = new Backlog(overflow);
    const backlog = this.#backlog;
    try {
      this.#leave = this.#parts.relays.join(channel, startOf(from), {
        begun: () => this.#begun(),
        message: (entry) => {
          if (!backlog.push(entry)) return this.#end({ kind: "SLOW_SUBSCRIBER", text: "it fell too far behind" });
          this.#flushSoon();
        },
        lost: (count) => backlog.lose(count),
        ended: (error) => this.#end(refusalOf(error)),
      });
    } catch (error) {
      queueMicrotask(() => this.#end(refusalOf(error)));
    }
  }

  #begun(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    this.#sink?.subscribed(UNKNOWN_START);
    this.#client.flush?.();
    this.#flush();
  }

  /** What comes together leaves together. */
  #flushSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      this.#flush();
    });
  }

  /** Writes what the client takes. */
  #flush(): void {
    if (!this.#hasBegun) return;
    while (this.#client.unsentBytes() < MAX_UNSENT && this.#write()) this.#client.flush?.();
  }

  /** Hands over about a chunk; whether there was anything. */
  #write(): boolean {
    let bytes = 0;
    while (bytes < CHUNK) {
      const next = this.#backlog?.shift();
      if (next === undefined || this.#sink === undefined) break;
      const { entry, lost } = next;
      if (lost > 0) this.#sink.lost(lost);
      const view = new DataView(entry.buffer, entry.byteOffset, entry.byteLength);
      this.#sink.messages({ bytes: entry, view, start: 0, end: entry.length, position: undefined, id: undefined });
      bytes += entry.length;
    }
    return bytes > 0;
  }

  #end(refusal: Refusal): void {
    const sink = this.#sink;
    this.#sink = undefined;
    this.#backlog?.clear();
    this.#leave?.();
    sink?.ended(refusal);
  }
}

const startOf = (from: SubscribeOptions["from"]): RelayStart =>
  typeof from === "number" ? new Date(from) : (from ?? "now");
