/**
 * A server with no messages of its own: what is published here is published on the servers behind it, and their messages go
 * to who subscribes here. It speaks memmq's protocols to both sides, so proxies can stand before proxies.
 */
import { setTimeout as delay } from "node:timers/promises";
import { Losses } from "../collections/losses.js";
import { GrpcServer } from "../grpc/server.js";
import { Access } from "../main/access/access.js";
import { installMemmqHttp } from "../main/front-ends/memmq/http/index.js";
import type { Log } from "../main/log.js";
import { WaitingInput } from "../main/native/waiting-input.js";
import type { Address, HttpEngineOption, TlsFiles } from "../main/options.js";
import { type Certificate, pemOf, readCertificates } from "../main/ports/certificate.js";
import { findHttpEngine } from "../main/ports/http/find-engine.js";
import { HttpListener } from "../main/ports/http/listener.js";
import { findListenError } from "../main/ports/listening.js";
import { SelfSigned } from "../main/ports/self-signed.js";
import { JobPool } from "../main/shards/job-pool.js";
import type { MemmqClient } from "../memmq-client/client.js";
import type { PublishError } from "../memmq-client/publish-error.js";
import { WORD_BYTES } from "../protocol/entry.js";
import { MAX_BATCH_MESSAGES } from "../protocol/limits.js";
import { GrpcChannels } from "./grpc-channels.js";
import { HttpChannels } from "./http-channels.js";
import { comesBack, LoopGuard, refusalBody } from "./loop-guard.js";
import { ProxyHost } from "./proxy-host.js";
import { type OnUnknownLoss, Relays } from "./relays.js";

export interface ProxyOptions {
  readonly address: Address;
  /** What it speaks to its clients. */
  readonly transport: "http" | "grpc";
  /** Undefined: no TLS. */
  readonly tls: TlsFiles | "self-signed" | undefined;
  readonly httpEngine: HttpEngineOption;
  /** Of the servers behind it; closed with the proxy. */
  readonly client: MemmqClient;
  /** The largest message, in bytes. */
  readonly maxMessageBytes: number;
  readonly log: Log;
}

/** A port of a proxy, whatever it speaks. */
interface ProxyPort {
  readonly address: Address;
  renew(certificate: Certificate): void;
  /** Takes no more connections and tells its clients to go. Resolves when they have, or after `timeout` milliseconds. */
  close(timeout: number): Promise<void>;
}

/** How long clients may take to go. Milliseconds. */
const CLOSE_TIMEOUT = 2_000;
const CLOSE_LOOK = 20;
const SWEEP_EVERY = 1_000;

/** For a handshake of TLS over gRPC. Milliseconds. */
const HANDSHAKE_TIMEOUT = 10_000;

/** What buffers may take up before connections over gRPC are closed whose requests do not get on. */
const MAX_BUFFER_BYTES = 256 * 1024 * 1024;

const TOO_SLOW = "subscribers over gRPC that were too slow have lost messages";

/** Between two lines of the log about messages that some servers have not taken, or that may be lost. Milliseconds. */
const LINE_EVERY = 10_000;

export class MemmqProxy {
  readonly #client: MemmqClient;
  readonly #relays: Relays;
  readonly #port: ProxyPort;
  readonly #pool: JobPool;
  readonly #selfSigned: SelfSigned | undefined;
  #closing: Promise<void> | undefined;

  private constructor(
    client: MemmqClient,
    relays: Relays,
    port: ProxyPort,
    pool: JobPool,
    selfSigned: SelfSigned | undefined,
  ) {
    this.#client = client;
    this.#relays = relays;
    this.#port = port;
    this.#pool = pool;
    this.#selfSigned = selfSigned;
    selfSigned?.watch(() => port.renew(selfSigned.certificate));
  }

  /**
   * Listens.
   *
   * @throws CertificateError for a file that TLS needs; ListenError when the address cannot be had; StartError
   */
  static async start(options: ProxyOptions): Promise<MemmqProxy> {
    const { client, tls, log } = options;
    const pool = new JobPool(log);
    try {
      const selfSigned = await ownCertificate(options, pool);
      const certificate =
        selfSigned?.certificate ?? readCertificates({ tcpTls: undefined, httpTls: tls, grpcTls: undefined }).http;
      const relays = new Relays(client, unknownLossLog(log));
      const parts = { client, relays, partly: partlyLog(log) };
      client.trail.begin();
      const port =
        options.transport === "grpc"
          ? await grpcPort(options, new GrpcChannels(parts), certificate)
          : await httpPort(options, new HttpChannels(parts), certificate);
      return new MemmqProxy(client, relays, port, pool, selfSigned);
    } catch (error) {
      await Promise.allSettled([pool.close(), client.close()]);
      throw error;
    }
  }

  get address(): Address {
    return this.#port.address;
  }

  /** Subscriptions on servers. */
  get subscriptions(): number {
    return this.#relays.size;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#selfSigned?.stop();
    await this.#port.close(CLOSE_TIMEOUT);
    await this.#client.close();
    await this.#pool.close();
  }
}

const ownCertificate = ({ tls, address, log }: ProxyOptions, pool: JobPool): Promise<SelfSigned | undefined> => {
  const names = { tcp: "off", http: address, grpc: "off", allowHost: [] } as const;
  const none = { data: "", durability: "memory", tcpTls: undefined, grpcTls: undefined } as const;
  return SelfSigned.open({ options: { ...names, ...none, httpTls: tls, log }, pool });
};

const partlyLog = (log: Log): ((error: PublishError) => void) => {
  const write = counted((messages, text: string) => log.warn({ messages }, text));
  return (error) => write(`some servers have not taken what others have: ${error.message}`);
};

const unknownLossLog = (log: Log): OnUnknownLoss => {
  const text = (server: string): string => `messages of ${server} may be lost: the connection was, and it cannot tell`;
  return counted((times, topic: string, server: string) => log.warn({ times, topic }, text(server)));
};

/** Calls `write` now and then only, with how often it was to be since. */
const counted = <T extends unknown[]>(write: (count: number, ...what: T) => void): ((...what: T) => void) => {
  let next = Number.NEGATIVE_INFINITY;
  let count = 0;
  return (...what) => {
    count++;
    const now = performance.now();
    if (now < next) return;
    next = now + LINE_EVERY;
    write(count, ...what);
    count = 0;
  };
};

const httpPort = async (
  { address, httpEngine, client, maxMessageBytes, log }: ProxyOptions,
  channels: HttpChannels,
  certificate: Certificate | undefined,
): Promise<ProxyPort> => {
  const makeEngine = await findHttpEngine(httpEngine, false, log);
  const guard = new LoopGuard(address.host, client.trail, log);
  const host = new ProxyHost(log, () => listener.sockets);
  const listener: HttpListener = new HttpListener(
    host,
    guard,
    log,
    (engine) => makeEngine(engine, certificate),
    refusalBody,
    new Access([], log),
  );
  const limits = { maxMessageBytes, maxFrameBytes: maxMessageBytes + WORD_BYTES, maxBatchMessages: MAX_BATCH_MESSAGES };
  installMemmqHttp(listener.entrance, {
    channels,
    waiting: new WaitingInput(MAX_BUFFER_BYTES),
    limits,
    log,
    refusal: refusalBody,
  });
  const listening = await listener.listen(address);
  const sweeper = setInterval(() => channels.sweep(performance.now()), SWEEP_EVERY);
  sweeper.unref();
  return {
    address: listening,
    renew: (renewed) => listener.renew(renewed),
    close: async (timeout) => {
      clearInterval(sweeper);
      listener.closePort();
      channels.goodbye();
      const deadline = performance.now() + timeout;
      while ((channels.size > 0 || listener.isSending) && performance.now() < deadline) await delay(CLOSE_LOOK);
      listener.close();
    },
  };
};

const grpcPort = async (
  { address, client, maxMessageBytes, log }: ProxyOptions,
  channels: GrpcChannels,
  certificate: Certificate | undefined,
): Promise<ProxyPort> => {
  let sockets = 0;
  const host = new ProxyHost(log, () => sockets);
  const losses = new Losses((lost) => log.warn(lost, TOO_SLOW));
  const server = new GrpcServer({
    channels,
    admission: {
      admit: () => {
        if (host.isFull) return Promise.resolve(false);
        sockets++;
        return Promise.resolve(true);
      },
      gone: () => {
        sockets--;
      },
    },
    tls: certificate && pemOf(certificate),
    maxMessageBytes,
    maxBufferBytes: MAX_BUFFER_BYTES,
    handshakeTimeout: HANDSHAKE_TIMEOUT,
    lost: (channel, subscriber, count) => losses.add(channel, subscriber, count),
    refuse: comesBack(client.trail, log),
    slow: (connections) => log.warn({ connections }, "requests that did not become whole took too much memory"),
  });
  try {
    const listening = await server.listener.listen(address.host, address.port);
    return {
      address: { host: listening.address, port: listening.port },
      renew: (renewed) => server.listener.renew(pemOf(renewed)),
      close: async (timeout) => {
        channels.goodbye();
        await server.stop(timeout);
        losses.flush();
      },
    };
  } catch {
    throw await findListenError("gRPC", address);
  }
};
