/**
 * The gRPC server: mq.MQ, the health service and reflection, over the sockets of a listener.
 *
 * ```
 *   SERVING ── drain ──▶ DRAINING: NOT_SERVING, no new connections, calls go on ── stop ──▶ STOPPED
 * ```
 */
import { type Metadata, Server, ServerCredentials, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";
import { protoPath as HEALTH_PROTO, HealthImplementation } from "grpc-health-check";
import type { Channels, Refusal } from "./channels.js";
import { loadDefinition, MQ_SERVICE } from "./definition.js";
import { HalfReceived } from "./half-received.js";
import { Listener, type ListenerHost, type TlsMaterial } from "./listener.js";
import { type LossReport, MqService } from "./service.js";
import { Sockets } from "./sockets.js";

/** What a request has beside its payload: the topic, and the framing of both. */
const REQUEST_SLACK = 4 * 1024;

/** Calls of a connection at once; further ones wait in their client. */
const MAX_STREAMS = 1_000;

/** A connection is asked whether it lives, and closed when it does not say so. Milliseconds. */
const KEEPALIVE_TIME = 60_000;
const KEEPALIVE_TIMEOUT = 20_000;

/** Services by name, the server as a whole under "". */
const HEALTH_NAMES = ["", MQ_SERVICE];

export interface GrpcServerParts {
  readonly channels: Channels;
  readonly admission: Pick<ListenerHost, "admit" | "gone">;
  readonly tls: TlsMaterial | undefined;
  readonly maxMessageBytes: number;
  /** What buffers of this thread may take up before connections with half-received requests are closed. */
  readonly maxBufferBytes: number;
  readonly handshakeTimeout: number;
  readonly lost: LossReport;
  /** Why a call may not, by its metadata; without it all may. */
  readonly refuse?: ((metadata: Metadata) => Refusal | undefined) | undefined;
  /** Told how many such connections were closed. */
  readonly slow: (connections: number) => void;
}

export class GrpcServer {
  readonly listener: Listener;
  readonly #server: Server;
  readonly #health = new HealthImplementation(Object.fromEntries(HEALTH_NAMES.map((name) => [name, "SERVING"])));
  readonly #injector: ReturnType<Server["createConnectionInjector"]>;
  readonly #service: MqService;
  readonly #halfReceived: HalfReceived;

  constructor({
    channels,
    admission,
    tls,
    maxMessageBytes,
    maxBufferBytes,
    handshakeTimeout,
    lost,
    refuse = () => undefined,
    slow,
  }: GrpcServerParts) {
    const { loaded, mq } = loadDefinition();
    const maxBytes = maxMessageBytes + REQUEST_SLACK;
    const sockets = new Sockets();
    this.#halfReceived = new HalfReceived({
      sockets,
      maxRequestBytes: maxBytes,
      maxBytes: maxBufferBytes,
      onClosed: slow,
      bytes: () => process.memoryUsage().arrayBuffers,
      now: () => performance.now(),
    });
    this.#server = new Server({
      "grpc.max_receive_message_length": maxBytes,
      "grpc.max_send_message_length": -1,
      "grpc.max_concurrent_streams": MAX_STREAMS,
      "grpc.keepalive_time_ms": KEEPALIVE_TIME,
      "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT,
      "grpc.enable_channelz": 0,
      interceptors: [this.#halfReceived.interceptor],
    });
    this.#service = new MqService(channels, sockets, lost, refuse);
    const handlers = { Pub: this.#service.pub, Sub: this.#service.sub } satisfies UntypedServiceImplementation;
    this.#server.addService({ ...mq }, handlers);
    this.#health.addToServer(this.#server);
    new ReflectionService({ ...loaded, ...loadSync(HEALTH_PROTO) }).addToServer(this.#server);
    // TLS is over when a socket comes here.
    this.#injector = this.#server.createConnectionInjector(ServerCredentials.createInsecure());
    const connected: ListenerHost["connected"] = (socket) => {
      sockets.connected(socket);
      this.#injector.injectConnection(socket);
    };
    this.listener = new Listener({ ...admission, connected }, tls, handshakeTimeout);
  }

  /** Subscriptions that have not ended. */
  get streams(): number {
    return this.#service.streams;
  }

  /** Accepts nobody any more, and says so to who asks for its health. Calls go on. */
  drain(): void {
    this.listener.close();
    for (const name of HEALTH_NAMES) this.#health.setStatus(name, "NOT_SERVING");
  }

  /** Tells clients to go (GOAWAY), and cuts off what is not over after `within` milliseconds. */
  async stop(within: number): Promise<void> {
    this.drain();
    this.#halfReceived.stop();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        this.#server.forceShutdown();
        resolve();
      }, within);
      this.#server.tryShutdown(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
