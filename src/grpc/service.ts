/** The service mq.MQ over whatever channels there are. */
import { isIP } from "node:net";
import type { handleServerStreamingCall, handleUnaryCall, Metadata, ServerWritableStream } from "@grpc/grpc-js";
import { readKey, readSubscribe, readToken, startMetadata } from "./call-metadata.js";
import { type Channels, isRefusal, type Refusal } from "./channels.js";
import type { PubRequest, PubResponse, SubRequest, SubResponse } from "./definition.js";
import type { Sockets } from "./sockets.js";
import { statusOf } from "./status.js";
import { SubStream } from "./sub-stream.js";

const NO_TOPIC: Refusal = { code: "BAD_NAME", text: "the request has no topic: give it one" };

const EMPTY: PubResponse = {};

/** Told how many messages a subscriber has lost. */
export type LossReport = (channel: string, client: string, count: number) => void;

/** `1.2.3.4:56` and `[::1]:56`, as grpc-js writes them, without the port. */
const addressOf = (peer: string): string => {
  const host = /^\[?(.*?)\]?:\d+$/.exec(peer)?.[1] ?? peer;
  return isIP(host) === 0 ? peer : host;
};

export class MqService {
  /** Streams that have not ended. */
  readonly #streams = new Set<SubStream>();
  readonly #channels: Channels;
  readonly #sockets: Pick<Sockets, "destroy">;
  readonly #lost: LossReport;
  readonly #refuse: (metadata: Metadata) => Refusal | undefined;

  constructor(
    channels: Channels,
    sockets: Pick<Sockets, "destroy">,
    lost: LossReport,
    refuse: (metadata: Metadata) => Refusal | undefined,
  ) {
    this.#channels = channels;
    this.#sockets = sockets;
    this.#lost = lost;
    this.#refuse = refuse;
  }

  get streams(): number {
    return this.#streams.size;
  }

  readonly pub: handleUnaryCall<PubRequest, PubResponse> = (call, answer) => {
    const { topic, payload } = call.request;
    const refused = topic === "" ? NO_TOPIC : this.#refuse(call.metadata);
    if (refused !== undefined) return answer(statusOf(refused));
    const caller = { address: addressOf(call.getPeer()), token: readToken(call.metadata) };
    this.#channels.publish(topic, payload, readKey(call.metadata), caller).then((refusal) => {
      // Whoever has gone is not told.
      if (call.cancelled) return;
      if (refusal === undefined) answer(null, EMPTY);
      else answer(statusOf(refusal));
    }, answer);
  };

  readonly sub: handleServerStreamingCall<SubRequest, SubResponse> = (call) => {
    const { topic } = call.request;
    const options = readSubscribe(call.metadata);
    const refused = topic === "" ? NO_TOPIC : this.#refuse(call.metadata);
    if (refused !== undefined) return fail(call, refused);
    if ("code" in options) return fail(call, options);
    const client = addressOf(call.getPeer());
    let stream: SubStream | undefined;
    call.once("cancelled", () => {
      stream?.cancel();
      if (stream !== undefined) this.#streams.delete(stream);
    });
    this.#channels.subscribe(topic, options, { address: client, token: readToken(call.metadata) }).then(
      (feed) => {
        if (isRefusal(feed)) return fail(call, feed);
        // It may have gone meanwhile.
        if (call.cancelled) return feed.close();
        stream = new SubStream(call, feed, {
          lost: (count) => this.#lost(topic, client, count),
          stuck: () => this.#sockets.destroy(call.getPeer()),
        });
        this.#streams.add(stream);
        const begun = stream;
        call.once("finish", () => this.#streams.delete(begun));
        call.sendMetadata(startMetadata(feed.start));
        stream.start();
      },
      (error: unknown) => call.emit("error", error),
    );
  };
}

const fail = (call: ServerWritableStream<SubRequest, SubResponse>, refusal: Refusal): void =>
  void call.emit("error", statusOf(refusal));
