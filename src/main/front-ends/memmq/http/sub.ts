/** `/sub`: the messages of a channel as they come, each a binary message of a WebSocket, or one behind the other. */
import type { Losses } from "../../../../collections/losses.js";
import type { Log } from "../../../log.js";
import type { Carried, StreamClient, WebSocketClient, WebSocketCodec } from "../../../ports/http/carried.js";
import type { ChannelMessages, Channels, Refusal, Sink, Subscribed } from "../channels.js";
import { closeCode, closeReason, refused } from "./answer.js";
import { eachJson, lostJson, subscribedFields, subscribedJson } from "./formats.js";
import type { SubscribeQuery } from "./query.js";

const BYTES_TYPE = "application/octet-stream";
const LINES_TYPE = "application/x-ndjson";

export interface SubContext {
  readonly channels: Channels;
  readonly losses: Losses;
  readonly log: Log;
}

/** A subscriber with a WebSocket. What it sends is nothing to us. */
export const subscribeSocket = (
  { channels, losses }: SubContext,
  { topic, options, format }: SubscribeQuery,
  client: WebSocketClient,
): WebSocketCodec => {
  const carried = channels.open("memmq subscriber", client.address, client);
  const common = {
    ended: (refusal: Refusal) => client.close(closeCode(refusal), closeReason(refusal)),
  };
  const raw: Sink = {
    ...common,
    subscribed: ({ lost }) => losses.add(topic, client.address, lost ?? 0),
    messages: ({ bytes, view, start, end }) => client.sendEntries(bytes, view, start, end),
    lost: (count) => losses.add(topic, client.address, count),
  };
  const json: Sink = {
    ...common,
    subscribed: (start) => client.sendText(subscribedJson(start)),
    messages: (messages) => eachJson(messages, (text) => client.sendText(text)),
    lost: (count) => client.sendText(lostJson(count)),
  };
  carried.subscribe(topic, options, format === "raw" ? raw : json);
  return { carried, message: () => {} };
};

/** A subscriber with an answer that has no end. */
export const subscribeStream = (context: SubContext, query: SubscribeQuery, client: StreamClient): Carried => {
  const carried = context.channels.open("memmq subscriber", client.address, client);
  const { topic, options, format } = query;
  carried.subscribe(topic, options, format === "raw" ? new RawStream(context, topic, client) : new LineStream(client));
  return carried;
};

const endStream = (client: StreamClient, refusal: Refusal): void => {
  const { status, json } = refused(refusal);
  client.refuse(status, json);
};

class RawStream implements Sink {
  readonly #context: SubContext;
  readonly #topic: string;
  readonly #client: StreamClient;
  #hasBegun = false;

  constructor(context: SubContext, topic: string, client: StreamClient) {
    this.#context = context;
    this.#topic = topic;
    this.#client = client;
  }

  subscribed(start: Subscribed): void {
    if (!this.#hasBegun) this.#client.begin(BYTES_TYPE, subscribedFields(start));
    else this.lost(start.lost ?? 0);
    this.#hasBegun = true;
  }

  messages({ bytes, view, start, end }: ChannelMessages): void {
    this.#client.writeEntries(bytes, view, start, end);
  }

  lost(count: number): void {
    this.#context.losses.add(this.#topic, this.#client.address, count);
  }

  ended(refusal: Refusal): void {
    endStream(this.#client, refusal);
  }
}

class LineStream implements Sink {
  readonly #client: StreamClient;
  #hasBegun = false;

  constructor(client: StreamClient) {
    this.#client = client;
  }

  subscribed(start: Subscribed): void {
    if (!this.#hasBegun) this.#client.begin(LINES_TYPE, subscribedFields(start));
    this.#hasBegun = true;
    this.#write(subscribedJson(start));
  }

  messages(messages: ChannelMessages): void {
    eachJson(messages, (json) => this.#write(json));
  }

  lost(count: number): void {
    this.#write(lostJson(count));
  }

  ended(refusal: Refusal): void {
    endStream(this.#client, refusal);
  }

  #write(json: string): void {
    this.#client.writeText(`${json}\n`);
  }
}
