/** gmq's line protocol on a real broker: every command's success and every error, whole, split at every byte and pipelined. */
import { randomUUID } from "node:crypto";
import type { Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Broker, startBroker } from "../../dist/index.js";
import { makeDirectory, removeDirectory } from "../directories.js";
import { WIRES } from "../tls.js";
import { error, LINE_CASES, type LineCase, MAX_MESSAGE_BYTES } from "./gmq-line-cases.js";
import { LineReader, type Response, send } from "./gmq-line-wire.js";
import { Places } from "./places.js";

/** Writes bytes in pieces. */
type Writing = (socket: Socket, bytes: string) => Promise<void>;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const inTwo =
  (at: number): Writing =>
  async (socket, bytes) => {
    await send(socket, bytes.slice(0, at));
    await turn();
    await send(socket, bytes.slice(at));
  };

const byBytes: Writing = async (socket, bytes) => {
  for (const byte of bytes) await send(socket, byte);
};

/** One more command shows whether the connection goes on, and that it is in step. */
const ALIVE = { says: "still here\n", hears: error("E_INVALID_CMD - unkown cmd: still") };

const shown = ([type, text]: Response): string => `${type} ${text}`;

/** Steps that can be sent together: those that name no id of an answer that is still to come. */
const pipelined = ({ steps }: LineCase): LineCase["steps"] => {
  const joined: { says: string; hears: string[] }[] = [];
  for (const { says, hears } of steps) {
    const last = joined.at(-1);
    if (last === undefined || says.includes("<id")) joined.push({ says, hears: [...hears] });
    else {
      last.says += says;
      last.hears.push(...hears);
    }
  }
  return joined;
};

describe.each(WIRES)("over $name", (wire) => {
  let data = "";
  let broker: Broker;

  beforeAll(async () => {
    data = makeDirectory();
    broker = await startBroker({
      ...wire.broker,
      tcp: { host: "127.0.0.1", port: 0 },
      http: "off",
      data,
      durability: "memory",
      maxMessageBytes: MAX_MESSAGE_BYTES,
      segmentBytes: 1024 * 1024,
      shards: 2,
      memory: 256 * 1024 * 1024,
    });
  });
  afterAll(async () => {
    await broker.close();
    removeDirectory(data);
  });

  const run = async (steps: LineCase["steps"], closes: boolean, write: Writing): Promise<void> => {
    const socket = await wire.connect(broker.addresses.tcp?.port ?? 0);
    socket.setNoDelay(true);
    const reader = new LineReader(socket);
    const places = new Places();
    const topic = `t-${randomUUID()}`;
    for (const { says, hears } of steps) {
      await write(socket, places.fill(says).replaceAll("TOPIC", topic));
      const heard = await reader.take(hears.length);
      expect(heard.map((response, i) => places.hide(shown(response), hears[i] ?? ""))).toEqual(hears);
    }
    if (closes) {
      expect(await reader.next()).toBeUndefined();
      expect(reader.rest).toBe(0);
    } else {
      await send(socket, ALIVE.says);
      expect((await reader.take(1)).map(shown)).toEqual([ALIVE.hears]);
    }
    socket.destroy();
  };

  const lengthOf = ({ steps }: LineCase): number => Math.max(...steps.map(({ says }) => says.length));

  describe.each(LINE_CASES)("$name", (lineCase) => {
    const closes = lineCase.closes === true;

    test("whole", () => run(lineCase.steps, closes, send));

    test("byte by byte", () => run(lineCase.steps, closes, byBytes));

    test("pipelined", () => run(pipelined(lineCase), closes, send));

    test("split at every byte", async () => {
      const length = lengthOf(lineCase);
      // Of what is only large every few bytes, and over TLS, whose connections are dear, a few dozen.
      const stride = Math.ceil(length / (wire.name === "plain" ? 400 : 16));
      for (let from = 1; from < length; from += 16 * stride) {
        const points = Array.from({ length: 16 }, (_, i) => from + i * stride).filter((at) => at < length);
        await Promise.all(points.map((at) => run(lineCase.steps, closes, inTwo(at))));
      }
    }, 30_000);
  });
});
