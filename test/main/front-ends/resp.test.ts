import { connect, type Socket } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { SILENT } from "../../../src/main/log.js";
import { testBroker } from "../../e2e/brokers.js";
import { resp } from "./resp.js";

const command = (...words: readonly string[]): string =>
  `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`;

const start = (frontEnd = resp) => testBroker({ durability: "memory" }, { frontEnds: [frontEnd] });

type TestBroker = Awaited<ReturnType<typeof start>>;

interface TestClient {
  readonly socket: Socket;
  readonly heard: () => string;
  /** Until it has heard that much. */
  readonly hears: (text: string) => Promise<void>;
  readonly closed: Promise<void>;
}

const client = async ({ tcp }: TestBroker): Promise<TestClient> => {
  const socket = connect({ port: tcp, host: "127.0.0.1", allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  let text = "";
  let look = (): void => {};
  socket.on("data", (bytes) => {
    text += bytes.toString("latin1");
    look();
  });
  socket.on("error", () => {});
  const closed = new Promise<void>((resolve) => {
    socket.on("end", resolve);
    socket.on("close", () => resolve());
  });
  await new Promise((resolve) => socket.once("connect", resolve));
  const hears = (wanted: string): Promise<void> =>
    new Promise<void>((resolve) => {
      look = () => {
        if (text.length >= wanted.length) resolve();
      };
      look();
    }).then(() => expect(text).toBe(wanted));
  return { socket, heard: () => text, hears, closed };
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("a front end of sixty lines", () => {
  it("pushes and pops", async () => {
    const { socket, hears } = await client(await start());
    socket.write(command("LPUSH", "work", "a") + command("LPUSH", "work", "é"));
    await hears(":1\r\n:1\r\n");
    socket.write(command("RPOP", "work"));
    await hears(":1\r\n:1\r\n$1\r\na\r\n");
    socket.write(command("RPOP", "work") + command("RPOP", "work"));
    await hears(":1\r\n:1\r\n$1\r\na\r\n$2\r\n\xc3\xa9\r\n$-1\r\n");
  });

  it("counts nothing as unsent that the system has taken", async () => {
    const broker = await start();
    const { socket, hears } = await client(broker);
    socket.write(command("LPUSH", "work", "a"));
    await hears(":1\r\n");
    expect(broker.broker.usage.unsentBytes).toBe(0);
  });

  it("answers in order what is pipelined to several shards, and refusals in their place", async () => {
    const broker = await testBroker({ durability: "memory", shards: 4 }, { frontEnds: [resp] });
    const { socket, hears } = await client(broker);
    let asked = "";
    let answer = "";
    for (let i = 0; i < 200; i++) {
      asked += command("LPUSH", `t${i}`, `${i}`) + command("RPOP", `t${i}`) + command("NO");
      answer += `:1\r\n$${`${i}`.length}\r\n${i}\r\n-ERR unknown command 'NO'\r\n`;
    }
    socket.write(asked);
    await hears(answer);
  });

  it("takes commands that are split at any byte", async () => {
    const { socket, hears, heard } = await client(await start());
    socket.setNoDelay(true);
    const asked = command("LPUSH", "split", "body") + command("RPOP", "split");
    let answer = "";
    for (let at = 1; at < asked.length; at++) {
      socket.write(asked.slice(0, at));
      // One after the other has got through.
      await new Promise((resolve) => setTimeout(resolve, 2));
      socket.write(asked.slice(at));
      answer += ":1\r\n$4\r\nbody\r\n";
      await hears(answer);
    }
    expect(heard()).toBe(answer);
  });

  it("takes a command that is larger than a read, a byte of it missing for a while", async () => {
    const { socket, hears } = await client(await start());
    const body = "x".repeat(3_000_000);
    const asked = command("LPUSH", "large", body);
    socket.write(asked.slice(0, -1));
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.write(asked.slice(-1));
    await hears(":1\r\n");
    socket.write(command("RPOP", "large"));
    await hears(`:1\r\n$${body.length}\r\n${body}\r\n`);
  });

  it("answers a client that has closed its side, and then closes", async () => {
    const { socket, heard, closed } = await client(await start());
    socket.end(command("LPUSH", "half", "a") + command("RPOP", "half") + command("BRPOP", "half", "1"));
    await closed;
    expect(heard()).toBe(":1\r\n$1\r\na\r\n$-1\r\n");
  });

  it("carries nothing out behind a pop that waits, until it is answered", async () => {
    const broker = await start();
    const [waiting, other] = [await client(broker), await client(broker)];
    waiting.socket.write(command("BRPOP", "wait", "60") + command("RPOP", "wait") + command("LPUSH", "next", "z"));
    other.socket.write(command("RPOP", "next"));
    await other.hears("$-1\r\n");
    expect(waiting.heard()).toBe("");
    other.socket.write(command("LPUSH", "wait", "1"));
    await waiting.hears("$1\r\n1\r\n$-1\r\n:1\r\n");
  });

  it("gives the message that an abandoned pop waited for to somebody else", async () => {
    const broker = await start();
    const gone = await client(broker);
    gone.socket.write(command("BRPOP", "lone", "60"));
    while (broker.broker.connections.values()[0]?.inFlight !== 1) await turn();
    gone.socket.destroy();
    while (broker.broker.connections.all > 0) await turn();
    const { socket, hears } = await client(broker);
    socket.write(command("LPUSH", "lone", "x") + command("RPOP", "lone"));
    await hears(":1\r\n$1\r\nx\r\n");
  });

  it("notices that a client has gone which has sent much behind a pop that waits", async () => {
    const broker = await start();
    const gone = await client(broker);
    gone.socket.write(command("BRPOP", "lone", "60") + command("RPOP", "lone").repeat(8_000));
    while (broker.broker.connections.values()[0]?.inFlight !== 1) await turn();
    gone.socket.destroy();
    while (broker.broker.connections.all > 0) await turn();
  });

  it("is told once that a client has gone", async () => {
    let told = 0;
    const broker = await start({
      ...resp,
      open: (session, peer) => ({ ...resp.open(session, peer), closed: () => void told++ }),
    });
    const { socket, hears } = await client(broker);
    socket.write(command("RPOP", "none"));
    await hears("$-1\r\n");
    expect(told).toBe(0);
    socket.destroy();
    while (told === 0) await turn();
    while (broker.broker.connections.all > 0) await turn();
    expect(told).toBe(1);
  });

  it("costs a client its connection, and one line in the log, when it cannot be opened", async () => {
    const errors: string[] = [];
    const log = { ...SILENT, error: (_fields: object, text: string) => void errors.push(text) };
    const open = (): never => {
      throw new Error("no codec");
    };
    const broker = await testBroker({ durability: "memory", log }, { frontEnds: [{ ...resp, open }] });
    const { socket, closed } = await client(broker);
    socket.write(command("RPOP", "none"));
    await closed;
    while (broker.broker.connections.all > 0) await turn();
    expect(errors.length).toBe(1);
  });

  it("closes the connection of a client that sends without end behind a pop that waits", async () => {
    const broker = await start();
    const { socket, closed } = await client(broker);
    socket.on("error", () => {});
    socket.write(command("BRPOP", "lone", "60") + command("RPOP", "lone").repeat(20_000));
    await closed;
    while (broker.broker.connections.all > 0) await turn();
  });

  it("closes the connection of a client that speaks something else behind its first byte", async () => {
    const broker = await start();
    const { socket, closed } = await client(broker);
    socket.write("*1\r\n+PING\r\n");
    await closed;
    while (broker.broker.connections.all > 0) await turn();
  });

  it("is not read while it does not read its answers, be they of no shard, and gets all of them", async () => {
    const broker = await start();
    const socket = connect({ port: broker.tcp, host: "127.0.0.1" });
    onTestFinished(() => void socket.destroy());
    const commands = 20_000;
    const asked = command("NO").repeat(commands);
    const answer = "-ERR unknown command 'NO'\r\n";
    let rounds = 0;
    socket.pause();
    // Until nothing is taken any more.
    while (socket.writableLength < asked.length * 3) {
      socket.write(asked);
      rounds++;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(rounds).toBeGreaterThan(5);
    expect(broker.broker.usage.unsentBytes).toBeLessThan(16 * 1024 * 1024);
    let bytes = 0;
    socket.on("data", (part) => {
      bytes += part.length;
    });
    socket.resume();
    while (bytes < rounds * commands * answer.length) await turn();
    expect(bytes).toBe(rounds * commands * answer.length);
  });

  it("is told that the broker stops", async () => {
    const broker = await start();
    const { socket, heard, closed } = await client(broker);
    socket.write(command("BRPOP", "never", "60"));
    while (broker.broker.connections.values()[0]?.inFlight !== 1) await turn();
    await broker.broker.close();
    await closed;
    expect(heard()).toMatch(/^-ERR the broker is stopping\r\n$/);
  });
});
