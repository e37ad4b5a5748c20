/** The thread that writes the files of topics, and the native connection that it has. */
import { Worker } from "node:worker_threads";
import { Bridge } from "../bridge/bridge.js";
import { LoopLagReader } from "../metrics/loop-lag.js";
import type { MqFilesMessage, MqFilesOrder, MqFilesThreadData } from "../mq-files/thread/thread-messages.js";
import type { Log } from "./log.js";
import { openLane } from "./ports/bridge/lane-connection.js";
import type { ConnectionHost } from "./ports/connection-host.js";
import { inheritedFlags } from "./shards/inherited-flags.js";

const THREAD = new URL("../mq-files/thread/mq-files-thread.js", import.meta.url);

/** Milliseconds until a thread that died is started again. */
const PAUSE = 5_000;

export class MqFiles {
  readonly #host: ConnectionHost;
  readonly #directory: string;
  readonly #log: Log;
  #worker: Worker | undefined;
  #lag = new LoopLagReader();
  #isStopping = false;
  #restart: NodeJS.Timeout | undefined;
  #stopped: () => void = () => {};

  constructor(host: ConnectionHost, directory: string, log: Log) {
    this.#host = host;
    this.#directory = directory;
    this.#log = log;
  }

  /** How long the event loop of the present thread was busy. */
  get busySeconds(): number {
    return (this.#worker?.performance.eventLoopUtilization().active ?? 0) / 1_000;
  }

  /** How late it is. */
  get lagSeconds(): number {
    return this.#worker === undefined ? 0 : this.#lag.seconds();
  }

  start(): void {
    this.#lag = new LoopLagReader();
    const data: MqFilesThreadData = { directory: this.#directory, lag: this.#lag.memory };
    const worker = new Worker(THREAD, { workerData: data, ...inheritedFlags() });
    this.#worker = worker;
    const bridge = new Bridge(
      (batch) => worker.postMessage(batch, [batch.buffer]),
      setImmediate,
      (lane) =>
        openLane(this.#host, lane, { protocol: "mq-files", address: this.#directory }, { isTrusted: true }, this.#log),
    );
    worker.on("message", (message: Uint8Array | MqFilesMessage) => {
      if (message instanceof Uint8Array) bridge.receive(message);
      else if (message.kind === "log") this.#log[message.level](message.fields, message.text);
      else this.#stopped();
    });
    worker.on("error", (error) => this.#log.error({ error }, "the thread that writes the files of topics has failed"));
    worker.once("exit", () => {
      bridge.broken();
      this.#worker = undefined;
      this.#stopped();
      if (!this.#isStopping) this.#restart = setTimeout(() => this.start(), PAUSE).unref();
    });
  }

  /** Writes what there is, for `timeout` milliseconds at most; what is left is written after the next start. */
  async stop(timeout: number): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#restart);
    const worker = this.#worker;
    if (worker === undefined) return;
    const order: MqFilesOrder = { kind: "stop" };
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeout);
      this.#stopped = () => {
        clearTimeout(timer);
        resolve();
      };
      worker.postMessage(order);
    });
    await worker.terminate();
  }
}
