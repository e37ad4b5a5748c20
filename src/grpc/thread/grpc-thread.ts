/** The gRPC thread: a server over the native connections that the bridge to the main thread carries. */
import { parentPort, workerData } from "node:worker_threads";
import { Bridge } from "../../bridge/bridge.js";
import { Losses } from "../../collections/losses.js";
import { LoopLag } from "../../metrics/loop-lag.js";
import { GrpcServer } from "../server.js";
import { NativeChannels } from "./native-channels.js";
import type { GrpcOrder, GrpcThreadData, GrpcThreadMessage } from "./thread-messages.js";

/** How long calls that do not end by themselves are waited for when the broker has ended all that are its own. */
const GRACE = 500;

const port = parentPort;
if (port === null) throw new Error("this file runs in a thread of the broker");

const { host, port: wanted, tls, maxMessageBytes, maxBufferBytes, helloTimeout, lag } = workerData as GrpcThreadData;

new LoopLag(lag).start();

const say = (message: GrpcThreadMessage): void => port.postMessage(message);

const bridge = new Bridge((batch) => port.postMessage(batch, [batch.buffer]), setImmediate);

const SLOW_SENDERS = "connections over gRPC whose requests do not get on are closed: others need the memory";

/** The sockets that wait to be admitted. */
const knocking = new Map<number, (isAdmitted: boolean) => void>();

const losses = new Losses((fields) =>
  say({ kind: "log", level: "warn", fields, text: "subscribers over gRPC do not keep up and have lost messages" }),
);

const server = new GrpcServer({
  channels: new NativeChannels(bridge),
  admission: {
    admit: (socket, address) =>
      new Promise((resolve) => {
        knocking.set(socket, resolve);
        say({ kind: "knock", socket, address });
      }),
    gone: (socket) => say({ kind: "gone", socket }),
  },
  tls,
  maxMessageBytes,
  maxBufferBytes,
  handshakeTimeout: Math.min(helloTimeout, 2 ** 31 - 1),
  slow: (connections) =>
    say({ kind: "log", level: "warn", fields: { connections, maxBufferBytes }, text: SLOW_SENDERS }),
  lost: (channel, client, count) => losses.add(channel, client, count),
});

const stop = async (within: number): Promise<void> => {
  await server.stop(Math.min(within, GRACE));
  losses.flush();
  say({ kind: "stopped" });
  // Nothing of it is worth waiting for any more.
  setImmediate(() => process.exit());
};

const obey = (order: GrpcOrder): void => {
  switch (order.kind) {
    case "answer":
      knocking.get(order.socket)?.(order.isAdmitted);
      knocking.delete(order.socket);
      return;
    case "renew":
      return server.listener.renew(order.tls);
    case "pause":
      return server.listener.pause();
    case "resume":
      return server.listener.resume();
    case "drain":
      return server.drain();
    case "stop":
      void stop(order.within);
  }
};

port.on("message", (message: Uint8Array | GrpcOrder) => {
  if (message instanceof Uint8Array) bridge.receive(message);
  else obey(message);
});

server.listener.listen(host, wanted).then(
  (address) => say({ kind: "listening", host: address.address, port: address.port }),
  (error: unknown) => {
    say({ kind: "failed", text: String(error) });
    port.close();
  },
);
