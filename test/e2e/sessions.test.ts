/** Sessions come and go at every point of an exchange, and leave nothing behind: not in the main thread, not in shards. */
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { TLSSocket } from "node:tls";
import { describe, expect, it } from "vitest";
import type { BrokerSeams } from "../../src/main/broker.js";
import type { AnswerHandler } from "../../src/main/native/answer-frame.js";
import { firstMessage } from "../../src/main/native/answer-reading.js";
import type { Session } from "../../src/main/native/session.js";
import type { FrontEnd } from "../../src/main/ports/front-end.js";
import { packHead, unpackResult } from "../../src/protocol/head.js";
import { Answer, Op } from "../../src/protocol/op.js";
import { frame } from "../main/frames.js";
import { resp } from "../main/front-ends/resp.js";
import { WIRES, type Wire } from "../tls.js";
import { type TestBroker, testBroker } from "./brokers.js";
import { NativeClient } from "./native-client.js";

/** A handshake of TLS takes as long as ten sessions without one. */
const sessionsOver = (wire: Wire): number => (wire.name === "plain" ? 1_000 : 200);

const AT_ONCE = 50;

/** Idle sessions of HTTP go after ten sweeps; a broker of its own sweeps every second. */
const SWEEP_EVERY = 100;

/** What a client does: the socket is closed behind it. */
type Visit = (socket: Socket, number: number) => Promise<void>;

const command = (...words: readonly string[]): string =>
  `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;

const push = (topic: string): string => {
  const body = `data=${JSON.stringify({ topic, body: "x" })}`;
  const type = "Content-Type: application/x-www-form-urlencoded";
  return `POST /push HTTP/1.1\r\nHost: localhost\r\n${type}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
};

const write = (socket: Socket, text: string): Promise<void> =>
  new Promise((resolve) => socket.write(text, "latin1", () => resolve()));

/** Until something has come, or the socket is closed. */
const heard = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    socket.once("data", () => resolve());
    socket.once("close", () => resolve());
  });

const says =
  (text: string): Visit =>
  (socket) =>
    write(socket, text);

/** Says it and goes after some milliseconds, another number of them each time. */
const lingers =
  (text: string): Visit =>
  async (socket, number) => {
    await write(socket, text);
    await delay(number % 20);
  };

const hears =
  (text: string): Visit =>
  async (socket) => {
    const answer = heard(socket);
    socket.write(text, "latin1");
    await answer;
  };

/** Closes its side, and waits for the end. */
const halves =
  (text: string): Visit =>
  async (socket) => {
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    socket.resume();
    socket.end(text);
    await closed;
  };

/** The first visitors hear it out, the others do not wait. */
const someHear =
  (text: string): Visit =>
  (socket, number) =>
    number < AT_ONCE / 2 ? hears(text)(socket, number) : says(text)(socket, number);

/** Splits what it says, and goes at each point. */
const breaksOff =
  (text: string): Visit =>
  (socket, number) =>
    write(socket, text.slice(0, 1 + (number % (text.length - 1))));

const OVER_HTTP: readonly Visit[] = [
  says(""),
  breaksOff(push("pushed")),
  says(push("pushed")),
  hears(push("pushed")),
  hears(push("pushed") + push("pushed")),
  // Nothing is in there: whose pop is given back nobody can see in the answers.
  says(get("/pop?topic=empty")),
  lingers(get("/pop?topic=empty")),
  hears(get("/pop?topic=empty")),
  says(get("/ack?topic=pushed&msgId=1")),
  says(get("/getAllTopicStat")),
  lingers(get("/setIsAutoAck?topic=toggled")),
  halves(push("pushed")),
];

const upgrade = (path: string): string =>
  `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
  "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";

/** A message of a WebSocket, under a mask of zeros. */
const MESSAGE = "\u0082\u0081\0\0\0\0x";

const OVER_MEMMQ: readonly Visit[] = [
  says(push("pushed")),
  hears(push("pushed")),
  says(get("/sub?topic=news")),
  hears(get("/sub?topic=news&format=json")),
  lingers(get("/sub?topic=news") + get("/sub?topic=news")),
  halves(get("/sub?topic=news")),
  says(get("/pub?topic=news")),
  breaksOff(upgrade("/sub?topic=news")),
  hears(upgrade("/sub?topic=news")),
  lingers(upgrade("/sub?topic=news&overflow=block")),
  lingers(upgrade("/pub?topic=news") + MESSAGE.repeat(50)),
  halves(upgrade("/pub?topic=news") + MESSAGE),
];

const OVER_RESP: readonly Visit[] = [
  says(""),
  breaksOff(command("LPUSH", "pushed", "x")),
  says(command("LPUSH", "pushed", "x")),
  hears(command("LPUSH", "pushed", "x")),
  halves(command("LPUSH", "pushed", "x") + command("RPOP", "empty")),
  says(command("RPOP", "empty")),
  says(command("BRPOP", "empty", "600")),
  lingers(command("BRPOP", "empty", "600")),
  lingers(command("BRPOP", "empty", "600") + command("BRPOP", "empty", "600")),
  halves(command("BRPOP", "empty", "600")),
  halves(command("BRPOP", "empty", "600") + command("LPUSH", "pushed", "x")),
  says("*1\r\nnot RESP"),
];

const pub = "pub pushed  0\n\0\0\0\u0001x";

const OVER_GMQ_LINE: readonly Visit[] = [
  says(""),
  breaksOff(pub),
  says(pub),
  hears(pub),
  hears(pub.repeat(20)),
  halves(`${pub}pop empty\n`),
  says("pop empty default\n"),
  breaksOff("pop empty default\nack 1 empty default\npop other default\n"),
  lingers("pop empty default\npop empty default\nack 1 empty default\n"),
  lingers(`pop empty default\npop other default\n${pub}`),
  halves("pop empty default\n"),
  lingers("subscribe news\npop empty default\n"),
  says('mpub pushed 2\n\0\0\0\u000c{"body":"x"}\0\0\0'),
  says("pub pushed  0\n\u00ff\u00ff\u00ff\u00ff"),
  halves("queue q q\n\n"),
];

/** Pops that are abandoned while messages come for them. */
interface Race {
  readonly over: string;
  readonly seams: BrokerSeams;
  readonly pop: string;
  readonly publish: string;
  /** What the answer to a publish begins with. */
  readonly answer: string;
}

/** A request of gmq's first generation: short, so that each length is one character. */
const framed = (name: string, data: string): string =>
  `v111\0${String.fromCharCode(name.length)}\0${String.fromCharCode(data.length)}${name}${data}`;

let jobs = 0;

/** A push with an id that no other has. */
const job = (ttr: number): string => framed("push", `{"Id":${++jobs},"Topic":"pushed","TTR":${ttr},"Body":"x"}`);

/** A visit with a text of its own each time. */
const afresh =
  (visit: (text: string) => Visit, text: () => string): Visit =>
  (socket, number) =>
    visit(text())(socket, number);

const OVER_FRAMES: readonly Visit[] = [
  says(""),
  afresh(breaksOff, () => job(0)),
  afresh(says, () => job(0)),
  afresh(hears, () => job(60)),
  afresh(halves, () => job(60) + framed("pop", "empty")),
  says(framed("pop", "empty")),
  says(framed("pop", "empty,void")),
  lingers(framed("pop", "empty")),
  lingers(framed("pop", "empty,void").repeat(3)),
  halves(framed("pop", "void,empty,other")),
  afresh(halves, () => framed("pop", "empty") + job(0)),
  hears(framed("ack", '{"JobId":"nosuch"}')),
  // Three seconds.
  someHear(framed("pop", "empty,void")),
  says("v111\xff not a frame"),
];

const visit = async (wire: Wire, port: number, what: Visit, number: number): Promise<void> => {
  const socket = await wire.connect(port);
  socket.on("error", () => {});
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  await what(socket, number);
  // TLS has no reset of its own.
  if (number % 2 === 0 || socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
  await closed;
};

const visitAll = async (wire: Wire, port: number, visits: readonly Visit[]): Promise<void> => {
  const sessions = sessionsOver(wire);
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < sessions) {
      const number = next++;
      const what = visits[number % visits.length];
      if (what !== undefined) await visit(wire, port, what, Math.floor(number / visits.length));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
};

/** Statistics of the only queue of a topic. */
const queueOf = async (wire: Wire, { tcp }: TestBroker, topic: string): Promise<Record<string, unknown>> => {
  const client = await NativeClient.greeted(tcp, wire.connect);
  client.send(frame(Op.STATS, 2, [topic]));
  const { payload } = await client.answer(2);
  await client.end();
  const [statistics] = unpackResult(payload, 0, payload.length) as readonly { queues: Record<string, unknown>[] }[];
  return statistics?.queues[0] ?? {};
};

const NOTHING = {
  connections: 0,
  sessions: 0,
  httpSessions: 0,
  sockets: 0,
  addresses: 0,
  assemblyBytes: 0,
  waitingBytes: 0,
  unsentBytes: 0,
  calls: 0,
  callBytes: 0,
  responders: 0,
};

const expectNothing = async ({ broker }: TestBroker): Promise<void> => {
  const deadline = performance.now() + 20_000;
  const isLeft = (): boolean => Object.values(broker.usage).some((value) => value > 0);
  while (isLeft() && performance.now() < deadline) await delay(20);
  expect(broker.usage).toEqual(NOTHING);
};

describe.each(WIRES)("hundreds of sessions over $name that come and go", { timeout: 120_000 }, (wire) => {
  it.each([
    ["HTTP", OVER_HTTP, ({ http }: TestBroker) => http],
    ["memmq's HTTP", OVER_MEMMQ, ({ http }: TestBroker) => http],
    ["a front end of the TCP port", OVER_RESP, ({ tcp }: TestBroker) => tcp],
    ["gmq's line protocol", OVER_GMQ_LINE, ({ tcp }: TestBroker) => tcp],
    ["gmq's frames", OVER_FRAMES, ({ tcp }: TestBroker) => tcp],
  ] as const)("over %s leave nothing behind", async (_, visits, portOf) => {
    const seams = { sweepEvery: SWEEP_EVERY, ...(visits === OVER_RESP ? { frontEnds: [resp] } : {}) };
    const broker = await testBroker({ ...wire.broker, durability: "memory", shards: 2 }, seams);
    await visitAll(wire, portOf(broker), visits);
    await expectNothing(broker);
    // A pop that does not wait makes no topic.
    const [empty, pushed] = [
      await queueOf(wire, broker, "empty").catch(() => ({})),
      await queueOf(wire, broker, "pushed"),
    ];
    expect(empty).toMatchObject(
      visits !== OVER_HTTP && visits !== OVER_MEMMQ ? { consumers: 0, inFlight: 0, ready: 0 } : {},
    );
    expect(pushed).toMatchObject({ consumers: 0, inFlight: 0 });
    expect((pushed as { ready: number }).ready).toBeGreaterThan(sessionsOver(wire) / visits.length);
  });

  it.each<Race>([
    {
      over: "RESP",
      seams: { frontEnds: [resp] },
      pop: command("BRPOP", "race", "600"),
      publish: command("LPUSH", "race", "x"),
      answer: ":1\r\n",
    },
    {
      over: "gmq's line protocol",
      seams: {},
      pop: "pop race default\n",
      publish: "pub race  0\n\0\0\0\u0001x",
      answer: "\0g\0\0\0",
    },
  ])(
    "while messages come for pops that have just been abandoned, over $over, lose none, and hold none",
    async ({ seams, pop, publish, answer }) => {
      const broker = await testBroker({ ...wire.broker, durability: "memory", shards: 1 }, seams);
      const publisher = await wire.connect(broker.tcp);
      let confirmed = 0;
      publisher.on("data", (bytes) => {
        confirmed += bytes.toString("latin1").split(answer).length - 1;
      });
      let received = 0;
      let published = 0;
      const races: Visit = async (socket, number) => {
        socket.on("data", () => received++);
        await write(socket, pop);
        await delay(number % 4);
        published++;
        publisher.write(publish);
        if (number % 3 === 0) await delay(1);
      };
      await visitAll(wire, broker.tcp, [races]);
      while (confirmed < published) await delay(10);
      publisher.destroy();
      await expectNothing(broker);
      const queue = await queueOf(wire, broker, "race");
      // In flight is what a client has received before it went in an orderly way; the rest has come back, uncounted.
      const { ready, inFlight } = queue as { ready: number; inFlight: number };
      expect(ready + inFlight).toBe(published);
      // Over TLS node may have received more than it has told.
      if (wire.name === "plain") expect(inFlight).toBeLessThanOrEqual(received);
      expect(queue).toMatchObject({ consumers: 0, deadLetters: 0 });
    },
  );
});

it("gives a message back that a shard had sent when its client went, and the next pop has it", async () => {
  const sessions: Session[] = [];
  const open: FrontEnd["open"] = (session, client) => {
    sessions.push(session);
    return resp.open(session, client);
  };
  const broker = await testBroker({ durability: "memory", shards: 1 }, { frontEnds: [{ ...resp, open }] });
  const sockets = [connect(broker.tcp, "127.0.0.1"), connect(broker.tcp, "127.0.0.1")];
  for (const socket of sockets) socket.write("*");
  while (sessions.length < 2) await delay(1);
  const [gone, other] = sessions;
  if (gone === undefined || other === undefined) throw new Error("there are two sessions");
  const answers: string[] = [];
  const note = (who: string): AnswerHandler => {
    return (answer) => void answers.push(`${who} ${answer.op} ${firstMessage(answer)?.retry ?? ""}`);
  };
  gone.pop("late", "", { wait: 60_000 }, (answer) => void answers.push(`gone ${answer.op}`));
  other.request(Op.STATS, 0, packHead(["late"]), undefined, () => void answers.push("waits"));
  while (answers.length < 1) await delay(1);
  other.publish("late", Buffer.from("x"), {}, () => void answers.push("published"));
  await new Promise((resolve) => setImmediate(resolve));
  // The shard takes the message and sends it, and this thread looks at nothing meanwhile.
  const until = performance.now() + 200;
  while (performance.now() < until);
  gone.destroy();
  while (answers.length < 3) await delay(1);
  other.pop("late", "", { wait: 10_000 }, note("other"));
  while (answers.length < 4) await delay(1);
  expect(answers).toEqual(["waits", `gone ${Answer.ERROR}`, "published", `other ${Answer.MESSAGES} 0`]);
  for (const socket of sockets) socket.destroy();
});
