/** The service mq.MQ of one server, with its types. Loaded only when gRPC is asked for: it takes a tenth of a second. */
import { isIP } from "node:net";
import { Client, type ClientReadableStream, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { localError, type RingmqError } from "../../client/base/error.js";
import { loadDefinition, type SubResponse } from "../../grpc/definition.js";
import type { Server } from "../../servers/server.js";
import { connectFailure, connectionClosed, NoAnswer, refusalIn, refused } from "../failure.js";
import type { FeedRequest, LinkOptions, Outgoing } from "../link.js";
import { requestFields } from "../request-fields.js";

/** Between tries of grpc-js to connect. Milliseconds. */
const FIRST_RECONNECT = 100;
const LONGEST_RECONNECT = 5_000;

/**
 * Between the pings of a connection: servers of Go take more than one in five minutes for an attack. Milliseconds.
 */
const KEEPALIVE_TIME = 310_000;

/** What a response has beside its payload. */
const RESPONSE_SLACK = 4 * 1024;

const { mq } = loadDefinition();

export class GrpcChannel {
  readonly #url: string;
  readonly #options: LinkOptions;
  readonly #client: Client;

  constructor({ url, host }: Server, options: LinkOptions) {
    const { protocol, hostname, port } = new URL(url);
    const isTls = protocol === "https:";
    const { ca, insecure, maxMessageBytes } = options;
    const authorities = ca === undefined ? null : Buffer.from(ca.join("\n"));
    this.#url = url;
    this.#options = options;
    this.#client = new Client(
      `${hostname}:${port || (isTls ? 443 : 80)}`,
      isTls
        ? credentials.createSsl(authorities, null, null, { rejectUnauthorized: !insecure })
        : credentials.createInsecure(),
      {
        "grpc.initial_reconnect_backoff_ms": FIRST_RECONNECT,
        "grpc.max_reconnect_backoff_ms": LONGEST_RECONNECT,
        "grpc.keepalive_time_ms": KEEPALIVE_TIME,
        "grpc.max_receive_message_length": maxMessageBytes + RESPONSE_SLACK,
        "grpc.max_send_message_length": -1,
        "grpc.enable_channelz": 0,
        // Not the channel of another client with other certificates.
        "grpc.use_local_subchannel_pool": 1,
        ...(isTls && isIP(host) === 0 && { "grpc.ssl_target_name_override": host, "grpc.default_authority": host }),
      },
    );
  }

  close(): void {
    this.#client.close();
  }

  /** Returns what ends the call. */
  publish({ topic, key, payload }: Outgoing, answered: (refusal: RingmqError | undefined) => void): () => void {
    const { path, requestSerialize, responseDeserialize } = mq.Pub;
    const metadata = this.#metadata();
    if (key !== undefined) metadata.set("key", key);
    const deadline = Date.now() + this.#options.answerTimeout;
    const call = this.#client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      { topic, payload },
      metadata,
      { deadline },
      (error) => answered(error === null ? undefined : this.explain(error)),
    );
    return () => call.cancel();
  }

  subscribe({ topic, from, recover, overflow, resume }: FeedRequest): ClientReadableStream<SubResponse> {
    const { path, requestSerialize, responseDeserialize } = mq.Sub;
    const metadata = this.#metadata();
    if (resume !== undefined) {
      metadata.set("position", String(resume.position));
      metadata.set("epoch", resume.epoch);
    } else if (from !== "now") metadata.set("from", String(from));
    if (recover) metadata.set("recover", "true");
    if (overflow !== undefined) metadata.set("overflow", overflow);
    return this.#client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { topic }, metadata, {});
  }

  /** Calls back when there is a connection, or with why there is none. */
  whenConnected(callback: (error: RingmqError | undefined) => void): void {
    const { connectTimeout } = this.#options;
    this.#client.waitForReady(Date.now() + Math.min(connectTimeout, 2 ** 31), (error) => {
      if (error === undefined) callback(undefined);
      else callback(localError("CONNECT_FAILED", `no connection to ${this.#url} within ${connectTimeout} ms`, error));
    });
  }

  #metadata(): Metadata {
    const metadata = new Metadata();
    for (const [key, value] of Object.entries(requestFields(this.#options))) metadata.set(key, value);
    return metadata;
  }

  explain(error: ServiceError): RingmqError {
    const known = refusalIn(error.details);
    if (known !== undefined) return known;
    const text = `${this.#url} says ${error.details}`;
    switch (error.code) {
      case status.UNAVAILABLE:
        return connectFailure(this.#url, new Error(error.details));
      case status.DEADLINE_EXCEEDED:
        return new NoAnswer(this.#url, this.#options.answerTimeout, error);
      case status.INVALID_ARGUMENT:
        return refused("BAD_ARGUMENT", text, false);
      case status.RESOURCE_EXHAUSTED:
        return refused("BUSY", text, true);
      case status.UNIMPLEMENTED:
        return refused("CONNECT_FAILED", `${text}: is that a server of memmq?`, true);
      case status.FAILED_PRECONDITION:
        return refused("UNKNOWN_ERROR", text, false);
      default:
        return connectionClosed(this.#url, error.details, error);
    }
  }
}
