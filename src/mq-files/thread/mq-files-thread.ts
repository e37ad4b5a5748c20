/** The thread that writes the files of topics: a client of the broker, over the bridge to the main thread. */
import { parentPort, workerData } from "node:worker_threads";
import { Bridge } from "../../bridge/bridge.js";
import { LaneTransport } from "../../bridge/client/lane-transport.js";
import { Client } from "../../client/client.js";
import { MAX_PENDING_BYTES } from "../../client/connect.js";
import { openConnection } from "../../client/connection/open.js";
import { nodeDisk } from "../../journal/node-disk.js";
import { LoopLag } from "../../metrics/loop-lag.js";
import { MAX_IN_FLIGHT } from "../../protocol/limits.js";
import { TopicFiles } from "../topic-files.js";
import { BrokerChannels } from "./broker-channels.js";
import type { MqFilesMessage, MqFilesOrder, MqFilesThreadData } from "./thread-messages.js";

/** Milliseconds between two looks, and at least as long as a look takes: the broker has more to do than to be asked. */
const LOOK_EVERY = 1_000;

/** Stands in errors for the address of a broker that is in this process. */
const ADDRESS = "tcp://127.0.0.1";

const OPTIONS = {
  name: "files of topics",
  signal: undefined,
  connectTimeout: Number.POSITIVE_INFINITY,
  maxInFlight: MAX_IN_FLIGHT,
  maxPendingBytes: MAX_PENDING_BYTES,
};

const port = parentPort;
if (port === null) throw new Error("this file runs in a thread of the broker");

const { directory, lag } = workerData as MqFilesThreadData;
new LoopLag(lag).start();
const say = (message: MqFilesMessage): void => port.postMessage(message);
const bridge = new Bridge((batch) => port.postMessage(batch, [batch.buffer]), setImmediate);

/** The client has read what has come as soon as it is here: what it keeps is bounded by the credit of its subscriptions. */
const openClient = async (): Promise<Client> =>
  new Client(
    await openConnection(
      ADDRESS,
      OPTIONS,
      async (_address, events) => new LaneTransport(bridge.open(new Uint8Array(0)), events, () => 0),
    ),
  );

let isStopping = false;
let wake = (): void => {};

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    if (isStopping) return resolve();
    const timer = setTimeout(resolve, milliseconds);
    wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });

port.on("message", (message: Uint8Array | MqFilesOrder) => {
  if (message instanceof Uint8Array) return bridge.receive(message);
  isStopping = true;
  wake();
});

const client = await openClient();
/** It does not come back: another thread takes the place of this one. */
let isCutOff = false;
client.closed.then(
  () => {
    isCutOff = true;
  },
  () => {},
);
const files = new TopicFiles(nodeDisk, directory, new BrokerChannels(client), {
  warn: (fields, text) => say({ kind: "log", level: "warn", fields, text }),
  error: (fields, text) => say({ kind: "log", level: "error", fields, text }),
});
for (let isLast = false; !isLast; ) {
  isLast = isStopping;
  const begin = performance.now();
  try {
    await files.catchUp();
  } catch (error) {
    // Mostly a shard that is being restarted. The next look begins where the files end.
    const reason = error instanceof Error ? error.message : String(error);
    if (isCutOff && !isStopping) throw new Error(`the connection of the files of topics has ended: ${reason}`);
    say({ kind: "log", level: "warn", fields: { reason }, text: "the files of topics wait for the broker" });
  }
  if (!isLast) await pause(Math.max(LOOK_EVERY, performance.now() - begin));
}
say({ kind: "stopped" });
await client.close();
port.close();
