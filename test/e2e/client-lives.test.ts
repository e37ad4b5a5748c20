/**
 * A client whose connections are cut at any byte of either direction, and whose broker is killed: what was confirmed is there
 * once, in the order of each publisher, nothing that was acked comes back, and nobody is left with a rejection.
 */
import { once } from "node:events";
import { createServer, connect as dial, type Socket } from "node:net";
import { setTimeout } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import type { ConnectOptions } from "../../src/client/arguments/options.js";
import type { Client } from "../../src/client/client.js";
import { unhandledRejections } from "../client/unhandled-rejections.js";
import { WIRES } from "../tls.js";
import { testBroker, testDirectory } from "./brokers.js";
import { clientOf } from "./clients.js";
import { started } from "./program.js";

const { connect } = (await import("../../dist/client/index.js" as string)) as {
  connect: (urls: string | readonly string[], options: ConnectOptions) => Promise<Client>;
};

/** What a client is connected by; how often, unless the environment says otherwise: RINGMQ_TEST_CUTS, RINGMQ_TEST_KILLS. */
const WAYS = WIRES.flatMap(({ broker, client, tcp, ws }) =>
  [tcp, ws].map((scheme) => ({
    scheme,
    listeners: broker,
    options: client,
    port: scheme === tcp ? ("tcp" as const) : ("http" as const),
    cuts: Number(process.env["RINGMQ_TEST_CUTS"] ?? (scheme === "tcp" ? 100 : 10)),
    kills: Number(process.env["RINGMQ_TEST_KILLS"] ?? (scheme === "tcp" ? 2 : 0)),
  })),
);

/** A broker that is there again within moments is connected to within moments. */
const QUICK: ConnectOptions = {
  reconnect: { minDelay: 2, maxDelay: 50, initially: true },
  publishTimeout: Number.POSITIVE_INFINITY,
  requestTimeout: Number.POSITIVE_INFINITY,
};

/** Numbers that look random, the same ones each time. */
const seeded = (seed: number): ((below: number) => number) => {
  let state = seed;
  return (below) => {
    state = (state * 48_271) % 0x7fff_ffff;
    return state % below;
  };
};

/** Passes bytes on to a broker, and cuts each connection after so many bytes of one direction. */
const cutting = async (port: number, random: (below: number) => number) => {
  let cuts = 0;
  let isOver = false;
  const open = new Set<Socket>();
  const server = createServer({ noDelay: true }, (client) => {
    const broker = dial({ port, host: "127.0.0.1", noDelay: true });
    // Half of the cuts are in what the client sends, half in what it is sent; within the handshake, soon after it, or later.
    const isUp = random(2) === 0;
    let left = isOver ? Number.POSITIVE_INFINITY : 1 + random(10 ** (2 + random(4)));
    const pass = (from: Socket, to: Socket, isCut: boolean): void => {
      open.add(from);
      from.on("error", () => {});
      from.on("close", () => {
        open.delete(from);
        to.destroy();
      });
      from.on("data", (bytes: Buffer) => {
        if (!isCut) return void to.write(bytes);
        to.write(bytes.subarray(0, left));
        left -= bytes.length;
        if (left > 0) return;
        cuts++;
        // What was passed on arrives; the rest does not, in either direction.
        to.destroySoon();
        from.destroy();
      });
    };
    pass(client, broker, isUp);
    pass(broker, client, !isUp);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return {
    port: (server.address() as { port: number }).port,
    get cuts() {
      return cuts;
    },
    stop: () => {
      isOver = true;
    },
  };
};

/** Publishes until it is told to stop, one by one and in batches, to a topic of its own. Answers what was confirmed. */
const publishing = (client: Client, topic: string, most: number) => {
  let isOver = false;
  const bodies: string[] = [];
  const loop = (async () => {
    for (let i = 0; !isOver; i++) {
      const some = Array.from({ length: 1 + (i % most) }, (_, k) => `${i}.${k} ${"x".repeat((i * k) % 300)}`);
      bodies.push(...some);
      if (i % 5 === 0) await client.publishBatch(topic, some);
      else if (i % 5 === 1) await Promise.all(some.map((body) => client.publish(topic, body, { headers: { i } })));
      // Not awaited at once: several frames are on their way.
      else await Promise.all([...some.map((body) => client.publish(topic, body)), client.ready()]);
    }
  })();
  return {
    end: async () => {
      isOver = true;
      await loop;
      return bodies;
    },
  };
};

/** Consumes a queue, and acks what comes. */
const consuming = async (client: Client, topic: string) => {
  const consumer = await client.consume(topic);
  const seen = new Set<string>();
  const acked = new Set<string>();
  const cameBack: string[] = [];
  const loop = (async () => {
    for await (const message of consumer) {
      const body = message.text();
      seen.add(body);
      if (acked.has(body)) cameBack.push(body);
      // Whether an ack was carried out whose answer was lost, nobody knows.
      message.ack().then(
        () => acked.add(body),
        () => {},
      );
    }
  })();
  return {
    seen,
    cameBack,
    end: async () => {
      await consumer.stop();
      await loop;
    },
  };
};

const stored = async (client: Client, topic: string): Promise<string[]> => {
  const bodies: string[] = [];
  for (;;) {
    const messages = await client.pop(topic, { max: 4096 });
    if (messages.length === 0) return bodies;
    bodies.push(...messages.map((message) => message.text()));
    await Promise.all(messages.map((message) => message.ack()));
  }
};

/** A publisher whose messages stay, a publisher with a consumer, and a subscriber of a kept channel. */
const atWork = async (url: string, name: string, options: ConnectOptions) => {
  const client = await connect(url, { ...QUICK, ...options });
  onTestFinished(() => client.close());
  const [kept, worked] = [`kept-${name}`, `worked-${name}`];
  const consumer = await consuming(client, worked);
  const [keeping, working] = [publishing(client, kept, 50), publishing(client, worked, 10)];
  return {
    client,
    finish: async () => {
      const [keptBodies, workedBodies] = await Promise.all([keeping.end(), working.end()]);
      return { keptBodies, workedBodies };
    },
    check: async (checker: Client, keptBodies: string[], workedBodies: string[]) => {
      for (let isEmpty = false; !isEmpty; await setTimeout(10)) {
        const [queue] = (await checker.stats(worked)).queues;
        isEmpty = queue?.ready === 0 && queue.inFlight === 0;
      }
      await consumer.end();
      expect(await stored(checker, kept)).toEqual(keptBodies);
      expect([...consumer.seen].sort()).toEqual(workedBodies.toSorted());
      expect(consumer.cameBack).toEqual([]);
      expect((await checker.stats(worked)).queues).toMatchObject([{ deadLetters: 0 }]);
    },
  };
};

describe.each(WAYS)("over $scheme", ({ scheme, listeners, options, port, cuts, kills }) => {
  it(`whatever byte its connection is cut at, ${cuts} times`, { timeout: 60_000 + cuts * 500 }, async () => {
    const unhandled = unhandledRejections();
    const data = testDirectory();
    const broker = await testBroker({ ...listeners, data, durability: "write", shards: 2, retries: 1000 });
    const relay = await cutting(broker[port], seeded(11));
    const url = `${scheme}://127.0.0.1:${relay.port}`;
    const works = await Promise.all(["a", "b", "c"].map((name) => atWork(url, name, options)));
    while (relay.cuts < cuts) await setTimeout(10);
    relay.stop();
    const checker = await clientOf(broker.tcp, listeners.tcpTls && { tcp: "tls", client: options });
    for (const work of works) {
      const { keptBodies, workedBodies } = await work.finish();
      await work.check(checker, keptBodies, workedBodies);
    }
    expect(unhandled).toEqual([]);
  });

  it.skipIf(kills === 0)(`when its broker is killed, ${kills} times`, { timeout: 60_000 + kills * 5_000 }, async () => {
    const unhandled = unhandledRejections();
    const data = testDirectory();
    const { tcpTls } = listeners as { readonly tcpTls?: { readonly certFile: string; readonly keyFile: string } };
    const flags = tcpTls === undefined ? [] : ["--tls-cert", tcpTls.certFile, "--tls-key", tcpTls.keyFile];
    const start = (tcp: number, http: number) =>
      started([
        ...["--tcp", `127.0.0.1:${tcp}`, "--http", `127.0.0.1:${http}`, ...flags],
        ...["--shards", "1", "--retries", "1000", "--data", data],
      ]);
    let broker = await start(0, 0);
    const { tcp, http } = broker;
    const work = await atWork(`${scheme}://127.0.0.1:${broker[port]}`, "k", options);
    const random = seeded(5);
    for (let kill = 0; kill < kills; kill++) {
      const { published } = await work.client.stats("kept-k").catch(() => ({ published: 0 }));
      // It gets somewhere in each life.
      while ((await work.client.stats("kept-k").catch(() => ({ published: 0 }))).published === published);
      await setTimeout(random(100));
      broker.child.kill("SIGKILL");
      await broker.exit;
      broker = await start(tcp, http);
    }
    const { keptBodies, workedBodies } = await work.finish();
    const checker = await clientOf(tcp, listeners.tcpTls && { tcp: "tls", client: options });
    await work.check(checker, keptBodies, workedBodies);
    expect(unhandled).toEqual([]);
  });
});

it("notices a broker that stands still, and closes in its time all the same", { timeout: 60_000 }, async () => {
  const unhandled = unhandledRejections();
  const broker = await started();
  onTestFinished(() => void broker.child.kill("SIGCONT"));
  const url = `tcp://127.0.0.1:${broker.tcp}`;
  const [client, other] = await Promise.all([
    connect(url, { ...QUICK, pingInterval: 100, publishTimeout: 500 }),
    connect(url, { ...QUICK, pingInterval: Number.POSITIVE_INFINITY }),
  ]);
  await client.publish("t", "before");
  broker.child.kill("SIGSTOP");
  const published = client.publish("t", "stopped");
  for await (const { type } of client.status()) if (type === "disconnected") break;
  await expect(published).rejects.toMatchObject({ code: "PUBLISH_TIMEOUT" });
  const body = new Uint8Array(1_000_000);
  const lost = Array.from({ length: 20 }, () =>
    expect(other.publish("t", body)).rejects.toMatchObject({ code: "CONNECTION_CLOSED" }),
  );
  const start = performance.now();
  await Promise.all([client.close({ timeout: 200 }), other.close({ timeout: 200 }), ...lost]);
  expect(performance.now() - start).toBeLessThan(5_000);
  broker.child.kill("SIGCONT");
  expect(unhandled).toEqual([]);
});
