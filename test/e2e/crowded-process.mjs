/**
 * A broker within a program that opens files until it may open no more: a process of its own, told over IPC what to do.
 * Arguments: the data directory.
 */
import { closeSync, openSync } from "node:fs";
import { devNull } from "node:os";
import { startBroker } from "../../dist/main/broker.js";

const held = [];
let eater;

const eat = () => {
  try {
    for (;;) held.push(openSync(devNull, "r"));
  } catch {
    // There are no more.
  }
};

const say = (level) => (fields, text) => process.send({ kind: "log", level, text, error: fields.error?.message });
const LOCAL = { host: "127.0.0.1", port: 0 };
const broker = await startBroker({
  tcp: LOCAL,
  http: LOCAL,
  data: process.argv[2],
  shards: 1,
  memory: 1 << 28,
  segmentBytes: 64 * 1024,
  log: { debug: () => {}, info: say("info"), warn: say("warn"), error: say("error") },
});

const DO = {
  /** All that there are now. */
  eat,
  /** And whatever others give back, as soon as they do. */
  "keep eating": () => {
    eat();
    eater = setInterval(eat, 1);
  },
  free: () => {
    clearInterval(eater);
    for (const descriptor of held.splice(0)) closeSync(descriptor);
  },
  cpu: () => {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  /** Ends the thread of the shard. */
  kill: () => broker.supervisor.kill(0),
  close: () => broker.close(),
};

process.on("message", async (what) => {
  const answer = await DO[what]();
  process.send({ kind: "done", answer });
});
process.send({ kind: "listening", tcp: broker.addresses.tcp.port, http: broker.addresses.http.port });
