import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { popRoute } from "../../../../src/main/front-ends/gmq/http/pop-ack.js";
import { SILENT } from "../../../../src/main/log.js";
import type { NativeConnection } from "../../../../src/main/native/connection.js";
import { Sessions } from "../../../../src/main/native/sessions.js";
import type { HttpEngine, HttpResponse } from "../../../../src/main/ports/http/engine.js";
import { HttpExchange } from "../../../../src/main/ports/http/exchange.js";
import { HttpSessions } from "../../../../src/main/ports/http/sessions.js";
import { UnsentAnswers } from "../../../../src/main/ports/http/unsent-answers.js";
import { Answer } from "../../../../src/protocol/op.js";
import { frame } from "../../frames.js";
import { testSwitchboard } from "../../switchboard.js";
import { ENGINES, openHost } from "./engines.js";

let handle: (exchange: HttpExchange) => void = () => {};
let accept: (response: HttpResponse) => HttpExchange;
let engine: HttpEngine;
let port = 0;

const CONTEXT = { log: SILENT, refusal: (text: string) => text };

describe.each(ENGINES)("%s", (_, makeEngine) => {
  beforeEach(async () => {
    accept = (response) => new HttpExchange(response);
    engine = makeEngine(openHost(SILENT));
    engine.add("any", "/*", (_, response) => handle(accept(response)));
    ({ port } = await engine.open({ host: "127.0.0.1", port: 0 }));
  });
  afterEach(() => engine.close());

  const ask = async (): Promise<IncomingMessage> => {
    const outgoing = request({ host: "127.0.0.1", port, agent: false });
    outgoing.end();
    const [answer] = await once(outgoing, "response");
    return answer;
  };
  const read = async (answer: IncomingMessage): Promise<string> => {
    let text = "";
    answer.setEncoding("utf8");
    for await (const part of answer) text += part;
    return text;
  };

  test("an answer of one part has its length and its type", async () => {
    handle = (exchange) => setImmediate(() => exchange.end('{"code":0}'));
    const answer = await ask();
    expect(answer.headers).toMatchObject({ "content-type": "application/json", "content-length": "10" });
    expect(await read(answer)).toBe('{"code":0}');
  });

  test("an answer of several parts arrives whole", async () => {
    handle = async (exchange) => {
      await exchange.write("a");
      await exchange.write("é");
      exchange.end("c");
    };
    const answer = await ask();
    expect(answer.headers["content-type"]).toBe("application/json");
    expect(await read(answer)).toBe("aéc");
  });

  test("parts are written no faster than the client reads", async () => {
    const part = "x".repeat(1024 * 1024);
    const parts = 128;
    let written = 0;
    handle = async (exchange) => {
      for (; written < parts; written++) await exchange.write(part);
      exchange.end("");
    };
    const slow = await ask();
    slow.pause();
    handle = (exchange) => exchange.send("other");
    for (let i = 0; i < 10; i++) expect(await read(await ask())).toBe("other");
    // Sockets buffer some tens of parts at the most; the rest waits for the reader.
    expect(written).toBeLessThan(parts);
    expect((await read(slow)).length).toBe(parts * part.length);
    expect(written).toBe(parts);
  });

  test("a client that goes lets a writer that waits go on, and nothing is sent any more", async () => {
    let isGone = false;
    let finish = (): void => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    handle = async (exchange) => {
      exchange.onGone(() => {
        isGone = true;
      });
      while (exchange.open) await exchange.write("x".repeat(1024 * 1024));
      await exchange.write("more");
      exchange.send("more");
      exchange.end("more");
      exchange.fail("more");
      exchange.abort();
      finish();
    };
    const answer = await ask();
    answer.destroy();
    await finished;
    expect(isGone).toBe(true);
  });

  test("a refusal before the first part is an answer, and after it a broken connection", async () => {
    handle = (exchange) => setImmediate(() => exchange.fail('{"code":1}'));
    expect(await read(await ask())).toBe('{"code":1}');

    handle = async (exchange) => {
      await exchange.write("half");
      exchange.fail('{"code":1}');
    };
    await expect(ask().then(read)).rejects.toThrow(/aborted|hang up|ECONNRESET/);
  });

  test("a long answer that its client does not read is counted until it is read, or the client goes", async () => {
    const unsent = new UnsentAnswers();
    const json = JSON.stringify("é".repeat(16 * 1024 * 1024));
    accept = (response) => new HttpExchange(response, { ...CONTEXT, unsent });
    handle = (exchange) => setImmediate(() => exchange.send(json));
    const [slow, leaving] = [await ask(), await ask()];
    for (const answer of [slow, leaving]) answer.pause();
    // Sockets buffer a few MiB of each at the most.
    expect(unsent.bytes).toBeGreaterThan(32 * 1024 * 1024);
    expect((await read(slow)) === json).toBe(true);
    expect(unsent.bytes).toBeGreaterThan(16 * 1024 * 1024);
    expect(unsent.bytes).toBeLessThan(32 * 1024 * 1024 + 2);
    leaving.destroy();
    while (unsent.bytes > 0) await new Promise((resolve) => setImmediate(resolve));
  });

  test("a pop is refused while too much is unsent, and its message stays", async () => {
    const board = await testSwitchboard();
    const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
    const connections: NativeConnection[] = [];
    const sessions = new Sessions(1 << 20, log);
    const httpSessions = new HttpSessions((kind, client) =>
      sessions.open(kind, client, (transport, session) => {
        const connection = board.open(transport, { session });
        connections.push(connection);
        return connection;
      }),
    );
    const unsent = new UnsentAnswers(100);
    const pop = popRoute(httpSessions, unsent);
    accept = (response) => new HttpExchange(response, { ...CONTEXT, unsent });
    handle = (exchange) => pop(exchange, "topic=topic");

    unsent.bytes = 101;
    expect(JSON.parse(await read(await ask()))).toMatchObject({
      code: 1,
      msg: expect.stringMatching(/pop again later/),
    });
    expect(board.shards[0]?.read()).toEqual([]);

    unsent.bytes = 100;
    const asked = ask();
    while (!connections[0]?.inFlight) await new Promise((resolve) => setImmediate(resolve));
    board.shards[0]?.answer(connections[0].id, frame(Answer.MESSAGES, 1));
    expect(JSON.parse(await read(await asked))).toMatchObject({ code: 1, msg: "no message" });
  });
});
