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
  context: SubContext,
  query: SubscribeQuery,
  client: WebSocketClient,
): WebSocketCodec => {
  const carried = context.channels.open("memmq subscriber", client, client);
  const { topic, options, format } = query;
  carried.subscribe(topic, options, format === "raw" ? new RawSocket(context, topic, client) : new JsonSocket(client));
  return { carried, message: ignore };
};

const ignore = (): void => {};

const endSocket = (client: WebSocketClient, refusal: Refusal): void =>
  client.close(closeCode(refusal), closeReason(refusal));

class RawSocket implements Sink {
  readonly #context: SubContext;
  readonly #topic: string;
  readonly #client: WebSocketClient;

  constructor(context: SubContext, topic: string, client: WebSocketClient) {
    this.#context = context;
    this.#topic = topic;
    this.#client = client;
  }

  subscribed({ lost }: Subscribed): void {
    this.lost(lost ?? 0);
  }

  messages({ bytes, view, start, end }: ChannelMessages): void {
    this.#client.sendEntries(bytes, view, start, end);
  }

  lost(count: number): void {
    this.#context.losses.add(this.#topic, this.#client.address, count);
  }

  ended(refusal: Refusal): void {
    endSocket(this.#client, refusal);
  }
}

class JsonSocket implements Sink {
  readonly #client: WebSocketClient;

  constructor(client: WebSocketClient) {
    this.#client = client;
  }

  subscribed(start: Subscribed): void {
    this.#client.sendText(subscribedJson(start));
  }

  messages(messages: ChannelMessages): void {
    eachJson(messages, (text) => this.#client.sendText(text));
  }

  lost(count: number): void {
    this.#client.sendText(lostJson(count));
  }

  ended(refusal: Refusal): void {
    endSocket(this.#client, refusal);
  }
}

/** A subscriber with an answer that has no end. */
export const subscribeStream = (context: SubContext, query: SubscribeQuery, client: StreamClient): Carried => {
  const carried = context.channels.open("memmq subscriber", client, client);
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
