/**
 * The gRPC port. What serves it, HTTP/2 and all, runs in a thread of its own, where a call costs no other connection
 * anything; here are the thread's lives, the native connections that it has over the bridge, and what admits its sockets.
 *
 * ```
 *   OFF ── listen ──▶ STARTING ── listening ──▶ RUNNING ── close ──▶ CLOSED
 *                        ▲                        │
 *                        └──── the thread died ◀──┘
 * ```
 */
import { Worker } from "node:worker_threads";
import { Bridge } from "../../../bridge/bridge.js";
import {
  type GrpcOrder,
  type GrpcThreadData,
  type GrpcThreadMessage,
  readOpening,
  type TlsMaterial,
} from "../../../grpc/thread/thread-messages.js";
import { LoopLagReader } from "../../../metrics/loop-lag.js";
import type { Log } from "../../log.js";
import type { Address, BrokerOptions } from "../../options.js";
import { inheritedFlags } from "../../shards/inherited-flags.js";
import { shareOf } from "../address-shares.js";
import { type Certificate, pemOf } from "../certificate.js";
import type { ConnectionHost } from "../connection-host.js";
import type { Port } from "../descriptor-watch.js";
import { findListenError } from "../listening.js";
import { acceptLane } from "./grpc-lane.js";

/** The file that runs as the thread. */
const THREAD = new URL("../../../grpc/thread/grpc-thread.js", import.meta.url);

/** Milliseconds until a thread that died is started again: at first, and at most. */
const MIN_PAUSE = 100;
const MAX_PAUSE = 10_000;
/** A thread that has run for so long is started again without more ado. */
const STEADY = 60_000;

/** What a thread that is told to stop may take beyond what it was given. */
const STOP_SLACK = 200;

type Settings = Pick<BrokerOptions, "maxMessageBytes" | "maxAssemblyBytes" | "maxUnsentBytes" | "helloTimeout" | "log">;

export class GrpcPort implements Port {
  readonly #host: ConnectionHost;
  readonly #settings: Settings;
  #tls: TlsMaterial | undefined;
  #life: GrpcLife | undefined;
  #address: Address | undefined;
  #restart: NodeJS.Timeout | undefined;
  #pause = MIN_PAUSE;
  #isPaused = false;
  #isClosed = false;
  readonly #thread: URL;

  /** `thread`: for tests, the file that runs as the thread. */
  constructor(host: ConnectionHost, settings: Settings, certificate: Certificate | undefined, thread = THREAD) {
    this.#thread = thread;
    this.#host = host;
    this.#settings = settings;
    this.#tls = certificate && pemOf(certificate);
  }

  /** Sockets of its clients. */
  get sockets(): number {
    return this.#life?.sockets ?? 0;
  }

  /** How long the event loop of the present thread was busy. */
  get busySeconds(): number {
    return this.#life?.busySeconds ?? 0;
  }

  /** How late it is. */
  get lagSeconds(): number {
    return this.#life?.lagSeconds ?? 0;
  }

  /**
   * Starts the thread. Answers where it listens.
   *
   * @throws ListenError when the address cannot be had.
   */
  async listen(wanted: Address): Promise<Address> {
    const begun = this.#begin(wanted);
    try {
      this.#address = await begun.listening;
      return this.#address;
    } catch {
      this.#life = undefined;
      await begun.ended;
      throw await findListenError("gRPC", wanted);
    }
  }

  /** Connections that come from now on are shown this certificate; those that are there keep theirs. */
  renew(certificate: Certificate): void {
    const tls = pemOf(certificate);
    this.#tls = tls;
    this.#life?.order({ kind: "renew", tls });
  }

  pause(): void {
    this.#isPaused = true;
    this.#life?.order({ kind: "pause" });
  }

  async resume(): Promise<void> {
    this.#isPaused = false;
    this.#life?.order({ kind: "resume" });
  }

  /** Takes no more connections; the health service says so. Calls go on. */
  closePort(): void {
    this.#isClosed = true;
    clearTimeout(this.#restart);
    this.#life?.order({ kind: "drain" });
  }

  /** Ends all calls and the thread, which has `timeout` milliseconds for it before it is cut off. */
  async close(timeout: number): Promise<void> {
    this.closePort();
    await this.#life?.stop(timeout);
  }

  #begin({ host, port }: Address): GrpcLife {
    const { maxMessageBytes, maxAssemblyBytes, maxUnsentBytes, helloTimeout, log } = this.#settings;
    // What has half come, and what clients have not taken, as for all other connections together.
    const maxBufferBytes = maxAssemblyBytes + maxUnsentBytes;
    const data = { host, port, tls: this.#tls, maxMessageBytes, maxBufferBytes, helloTimeout };
    const begin = performance.now();
    const life = new GrpcLife(this.#host, this.#thread, data, log, (error) => {
      if (this.#life === life) this.#died(performance.now() - begin, error);
    });
    this.#life = life;
    return life;
  }

  /** Its clients connect again; subscriptions begin again. */
  #died(ran: number, error: unknown): void {
    this.#life = undefined;
    const address = this.#address;
    if (this.#isClosed || address === undefined) return;
    if (ran > STEADY) this.#pause = MIN_PAUSE;
    this.#settings.log.error({ error, milliseconds: this.#pause }, "the gRPC thread has ended and is started again");
    this.#restart = setTimeout(() => {
      const life = this.#begin(address);
      life.listening.then(
        () => {
          if (this.#isPaused) life.order({ kind: "pause" });
        },
        // It ends, and another is started.
        () => {},
      );
    }, this.#pause);
    this.#pause = Math.min(MAX_PAUSE, 2 * this.#pause);
  }
}

/** One life of the thread. */
class GrpcLife {
  /** Where it listens; rejects when it cannot, and then ends. */
  readonly listening: Promise<Address>;
  readonly ended: Promise<void>;
  readonly #worker: Worker;
  readonly #bridge: Bridge;
  readonly #lag = new LoopLagReader();
  readonly #host: ConnectionHost;
  readonly #log: Log;
  /** The sockets that are admitted, and whose they are. */
  readonly #shares = new Map<number, string>();

  constructor(
    host: ConnectionHost,
    thread: URL,
    data: Omit<GrpcThreadData, "lag">,
    log: Log,
    died: (error: unknown) => void,
  ) {
    this.#host = host;
    this.#log = log;
    const worker = new Worker(thread, { workerData: { ...data, lag: this.#lag.memory }, ...inheritedFlags() });
    this.#worker = worker;
    const post = (batch: Uint8Array<ArrayBuffer>): void => worker.postMessage(batch, [batch.buffer]);
    this.#bridge = new Bridge(post, setImmediate, (lane, opening) => acceptLane(host, lane, readOpening(opening), log));
    let fault: unknown;
    this.listening = new Promise((resolve, reject) => {
      worker.on("message", (message: Uint8Array | GrpcThreadMessage) => {
        if (message instanceof Uint8Array) return this.#bridge.receive(message);
        if (message.kind === "listening") resolve({ host: message.host, port: message.port });
        else if (message.kind === "failed") reject(new Error(message.text));
        else this.#hear(message);
      });
      worker.once("exit", () => reject(fault ?? new Error("the thread has ended")));
    });
    this.listening.catch(() => {});
    worker.on("error", (error) => {
      fault = error;
    });
    this.ended = new Promise((resolve) => {
      worker.once("exit", () => {
        this.#bridge.broken();
        for (const share of this.#shares.values()) host.shares.release(share);
        this.#shares.clear();
        died(fault);
        resolve();
      });
    });
  }

  get sockets(): number {
    return this.#shares.size;
  }

  get busySeconds(): number {
    return this.#worker.performance.eventLoopUtilization().active / 1_000;
  }

  get lagSeconds(): number {
    return this.#lag.seconds();
  }

  order(order: GrpcOrder): void {
    this.#worker.postMessage(order);
  }

  async stop(timeout: number): Promise<void> {
    this.order({ kind: "stop", within: Math.max(0, Math.min(timeout, 2 ** 31 - 1) - STOP_SLACK) });
    const timer = setTimeout(() => void this.#worker.terminate(), Math.min(timeout, 2 ** 31 - 1));
    await this.ended;
    clearTimeout(timer);
  }

  #hear(message: GrpcThreadMessage): void {
    switch (message.kind) {
      case "knock":
        return this.order({ kind: "answer", socket: message.socket, isAdmitted: this.#admit(message) });
      case "gone": {
        const share = this.#shares.get(message.socket);
        if (share !== undefined) this.#host.shares.release(share);
        this.#shares.delete(message.socket);
        return;
      }
      case "log":
        return this.#log[message.level](message.fields, message.text);
      default:
    }
  }

  /** HTTP/2 has no word for it: who is one too many is closed, as a client sees that the port is not there. */
  #admit({ socket, address }: { readonly socket: number; readonly address: string }): boolean {
    const { isFull, isCrowded, shares } = this.#host;
    const share = shareOf(address);
    if (isFull || isCrowded || !shares.admit(share)) return false;
    this.#shares.set(socket, share);
    return true;
  }
}
