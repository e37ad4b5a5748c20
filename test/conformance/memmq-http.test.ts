/** memmq over HTTP and WebSocket, as bytes: docs/compatibility.md, memmq. On both engines, plain and over TLS. */
import { describe, expect, it } from "vitest";
import { sharedBroker } from "../e2e/brokers.js";
import { ENGINE_NAMES } from "../http-engine.js";
import { WIRES } from "../tls.js";
import { bodyOf, hasHead, RawConnection, WebSocketClient } from "./memmq-wire.js";

const MAX_MESSAGE_BYTES = 64 * 1024;

const CASES = ENGINE_NAMES.flatMap((httpEngine) =>
  WIRES.map((wire) => [`${httpEngine}, ${wire.name}`, httpEngine, wire] as const),
);

const PUBLISHED = Buffer.from('{"code":200,"msg":"请求成功"}').toString("latin1");

const head = (method: string, path: string, ...fields: readonly string[]): string =>
  [`${method} ${path} HTTP/1.1`, "Host: localhost", ...fields, "", ""].join("\r\n");

const post = (path: string, body: string): string => `${head("POST", path, `Content-Length: ${body.length}`)}${body}`;

/** The README's curl, which says a key that RFC 6455 does not have. */
const readmeUpgrade = (path: string, port: number): string =>
  [
    `GET ${path} HTTP/1.1`,
    `Host: localhost:${port}`,
    "User-Agent: curl/8.0.1",
    "Accept: */*",
    "Connection: Upgrade",
    "Upgrade: websocket",
    `Origin:http://localhost:${port}`,
    "Sec-Websocket-Version: 13",
    "Sec-Websocket-Key: memmq",
    "",
    "",
  ].join("\r\n");

/** Messages of 60 KiB: 19 MiB. */
const FLOOD = 320;

let topics = 0;
const newTopic = (): string => `topic-${++topics}`;

describe.each(CASES)("%s", (_, httpEngine, wire) => {
  const broker = sharedBroker({ ...wire.broker, httpEngine, maxMessageBytes: MAX_MESSAGE_BYTES, durability: "memory" });
  const raw = (): Promise<RawConnection> => RawConnection.open(wire, broker().http);
  const socket = (path: string): Promise<WebSocketClient> => WebSocketClient.open(wire, broker().http, path);

  /** One request on a connection of its own; the status and the body. */
  const ask = async (request: string): Promise<readonly [number, string]> => {
    const connection = await raw();
    const text = await connection.say(request, (got) => {
      const length = Number(/content-length: (\d+)/i.exec(got)?.[1] ?? 0);
      return hasHead(got) && got.length >= got.indexOf("\r\n\r\n") + 4 + length;
    });
    connection.close();
    return [Number(text.slice(9, 12)), text.slice(text.indexOf("\r\n\r\n") + 4)];
  };

  /** A stream that has begun. */
  const stream = async (query: string): Promise<RawConnection> => {
    const connection = await raw();
    await connection.say(head("GET", `/sub?${query}`), hasHead);
    return connection;
  };

  /** Publishes more than any socket holds, and waits until a subscriber that reads has had the last. */
  const flood = async (topic: string): Promise<void> => {
    const [reader, publisher] = [await socket(`/sub?topic=${topic}`), await socket(`/pub?topic=${topic}`)];
    const body = "x".repeat(60 * 1024);
    // No faster than a broker takes it that cannot keep its client from sending.
    for (let sent = 1; sent <= FLOOD; sent++) {
      if (sent % 40 > 0) publisher.socket.send(body);
      else {
        publisher.socket.send(`${sent}`);
        await reader.untilLast(`${sent}`);
      }
    }
    for (const each of [reader, publisher]) each.socket.terminate();
  };

  describe("POST /pub", () => {
    it.each(["POST", "GET", "PUT", "DELETE"])("publishes the body of a %s", async (method) => {
      const topic = newTopic();
      const subscriber = await stream(`topic=${topic}`);
      const request = `${head(method, `/pub?topic=${topic}`, "Content-Length: 5")}hello`;
      expect(await ask(request)).toEqual([200, PUBLISHED]);
      expect(bodyOf(await subscriber.until((text) => text.includes("hello")))).toBe("hello");
      subscriber.close();
    });

    it("answers HEAD and publishes nothing", async () => {
      const topic = newTopic();
      const subscriber = await stream(`topic=${topic}`);
      expect(await ask(head("HEAD", `/pub?topic=${topic}`))).toEqual([200, ""]);
      await ask(post(`/pub?topic=${topic}`, "behind"));
      expect(bodyOf(await subscriber.until((text) => text.includes("behind")))).toBe("behind");
      subscriber.close();
    });

    it("takes a body in chunks, an empty one, and one as large as may be", async () => {
      const topic = newTopic();
      const subscriber = await socket(`/sub?topic=${topic}`);
      const path = `/pub?topic=${topic}`;
      expect(
        await ask(`${head("POST", path, "Transfer-Encoding: chunked")}3\r\nabc\r\n2\r\n\0\xff\r\n0\r\n\r\n`),
      ).toEqual([200, PUBLISHED]);
      expect(await ask(post(path, ""))).toEqual([200, PUBLISHED]);
      const large = "x".repeat(MAX_MESSAGE_BYTES);
      expect(await ask(post(path, large))).toEqual([200, PUBLISHED]);
      const heard = await subscriber.messages(3);
      expect(heard.map((body) => body.toString("latin1"))).toEqual(["abc\0\xff", "", large]);
      subscriber.socket.terminate();
    });

    it("refuses one that is larger, with a code", async () => {
      const [status, json] = await ask(post(`/pub?topic=${newTopic()}`, "x".repeat(MAX_MESSAGE_BYTES + 1)));
      expect([status, JSON.parse(json)]).toEqual([
        413,
        { code: 413, error: "MESSAGE_TOO_LARGE", msg: `a message has at most ${MAX_MESSAGE_BYTES} bytes` },
      ]);
    });

    it.each([
      ["", "topic is missing: /pub?topic=NAME, /sub?topic=NAME"],
      ["topic=", "topic is missing: /pub?topic=NAME, /sub?topic=NAME"],
      [`topic=${"é".repeat(128)}`.replaceAll("é", "%C3%A9"), "topic is longer than 255 bytes"],
      ["topic=a%0Ab", "topic has a control character"],
      [`topic=a&key=${"k".repeat(256)}`, "key is longer than 255 bytes"],
      // Two of GB 18030: what is no UTF-8 would all become one topic.
      ["topic=%D6%D0", "topic is not UTF-8"],
      ["topic=a&key=%FF", "key is not UTF-8"],
    ])("refuses the query %j", async (query, msg) => {
      const [status, json] = await ask(post(`/pub?${query}`, "x"));
      expect([status, JSON.parse(json)]).toEqual([400, { code: 400, error: "BAD_ARGUMENT", msg }]);
    });

    it.each([
      ["a%20b+c%2F%25", "a b c/%"],
      ["%E8%AF%B7%E6%B1%82", "请求"],
      ["first&topic=second", "first"],
      ["%EF%BF%BD", "\uFFFD"],
      ["..%2F..%2Fetc", "../../etc"],
    ])("the topic %j is %j", async (query, name) => {
      const subscriber = await socket(`/sub?topic=${encodeURIComponent(name)}`);
      expect(await ask(post(`/pub?topic=${query}`, "x"))).toEqual([200, PUBLISHED]);
      expect(await subscriber.texts(1)).toEqual(["x"]);
      subscriber.socket.terminate();
    });

    it("publishes nothing for a WebSocket that cannot be, since its key is none", async () => {
      const topic = newTopic();
      const subscriber = await socket(`/sub?topic=${topic}`);
      const publisher = await raw();
      await publisher.say(readmeUpgrade(`/pub?topic=${topic}`, broker().http), (text) => text.includes("}"));
      expect(publisher.text).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n.*nothing was published/s);
      publisher.close();
      await ask(post(`/pub?topic=${topic}`, "x"));
      expect(await subscriber.texts(1)).toEqual(["x"]);
      subscriber.socket.terminate();
    });

    // uWebSockets.js closes a connection whose client has not waited for its answer.
    it.runIf(httpEngine === "node")("takes requests that come behind one another", async () => {
      const topic = newTopic();
      const subscriber = await socket(`/sub?topic=${topic}`);
      const connection = await raw();
      const requests = Array.from({ length: 20 }, (_unused, i) => post(`/pub?topic=${topic}`, `${i}`));
      const isAnswered = (text: string): boolean => text.split(PUBLISHED).length > 20;
      await connection.say(requests.join(""), isAnswered);
      expect(await subscriber.texts(20)).toEqual(requests.map((_unused, i) => `${i}`));
      connection.close();
      subscriber.socket.terminate();
    });
  });

  describe("GET /sub", () => {
    it("sends payloads as they come, and nothing between", async () => {
      const topic = newTopic();
      const subscriber = await stream(`topic=${topic}`);
      expect(subscriber.text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      expect(subscriber.text).toMatch(/^content-type: application\/octet-stream\r$/im);
      for (const body of ["a\n", "\0\xff", "", "b"]) await ask(post(`/pub?topic=${topic}`, body));
      expect(bodyOf(await subscriber.until((text) => bodyOf(text).endsWith("b")))).toBe("a\n\0\xffb");
      subscriber.close();
    });

    it("streams to the README's curl, whose key is none", async () => {
      const topic = newTopic();
      const subscriber = await raw();
      await subscriber.say(readmeUpgrade(`/sub?topic=${topic}`, broker().http), hasHead);
      expect(subscriber.text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      await ask(post(`/pub?topic=${topic}`, "read me"));
      expect(bodyOf(await subscriber.until((text) => text.includes("read me")))).toBe("read me");
      subscriber.close();
    });

    it("says in its head where it begins, and in JSON each message", async () => {
      const topic = newTopic();
      const first = await stream(`topic=${topic}`);
      expect(first.text).toMatch(/^ringmq-epoch: \d+\r$/im);
      expect(first.text).toMatch(/^ringmq-position: 0\r$/im);
      expect(first.text).toMatch(/^ringmq-kept: false\r$/im);
      await ask(post(`/pub?topic=${topic}`, "one"));
      const json = await stream(`topic=${topic}&format=json`);
      await ask(post(`/pub?topic=${topic}`, "\0\xff"));
      const text = await json.until((got) => bodyOf(got).split("\n").length > 2);
      const lines = bodyOf(text).trimEnd().split("\n");
      expect(lines.map((line) => JSON.parse(line))).toEqual([
        {
          subscribed: { epoch: expect.stringMatching(/^\d+$/), position: 1, kept: false, recovered: null, lost: null },
        },
        { position: 1, payload: Buffer.from("\0\xff", "latin1").toString("base64") },
      ]);
      first.close();
      json.close();
    });

    it.each([
      ["topic=", "topic is missing: /pub?topic=NAME, /sub?topic=NAME"],
      ["topic=a&from=yesterday", 'from is now, start, or milliseconds since 1970, not "yesterday"'],
      ["topic=a&position=-1", 'position is a whole number, not "-1"'],
      ["topic=a&epoch=1", "epoch needs a position beside it"],
      ["topic=a&position=1&epoch=x", "epoch is not a decimal number"],
      ["topic=a&position=1&from=now", "from and position exclude each other"],
      ["topic=a&recover=2", 'recover is 0 or 1, not "2"'],
      ["topic=a&overflow=wait", 'overflow is one of drop-oldest, drop-newest, conflate, disconnect, block, not "wait"'],
      ["topic=a&format=xml", 'format is raw or json, not "xml"'],
    ])("refuses %s", async (query, msg) => {
      const [status, json] = await ask(head("GET", `/sub?${query}`));
      expect([status, JSON.parse(json)]).toEqual([400, { code: 400, error: "BAD_ARGUMENT", msg }]);
      await expect(socket(`/sub?${query}`)).rejects.toThrow("400");
    });

    it("answers HEAD and subscribes nobody", async () => {
      expect(await ask(head("HEAD", `/sub?topic=${newTopic()}`))).toEqual([200, ""]);
    });

    it("goes on where an earlier one was, with what was published meanwhile", async () => {
      const topic = newTopic();
      const first = await socket(`/sub?topic=${topic}&recover=1&format=json`);
      await ask(post(`/pub?topic=${topic}`, "one"));
      const [subscribed, one] = (await first.texts(2)).map((text) => JSON.parse(text));
      first.socket.terminate();
      await ask(post(`/pub?topic=${topic}`, "two"));
      const { epoch } = subscribed.subscribed;
      const again = await stream(`topic=${topic}&position=${one.position + 1}&epoch=${epoch}`);
      expect(bodyOf(await again.until((text) => text.includes("two")))).toBe("two");
      expect(again.text).toMatch(/^ringmq-recovered: true\r$/im);
      const lost = await stream(`topic=${topic}&position=0&epoch=1`);
      expect(lost.text).toMatch(/^ringmq-recovered: false\r$/im);
      again.close();
      lost.close();
    });
  });

  describe("WebSockets", () => {
    it("bring text and binary messages in order, each as one binary message", async () => {
      const topic = newTopic();
      const subscriber = await socket(`/sub?topic=${topic}`);
      const publisher = await socket(`/pub?topic=${topic}`);
      const large = "z".repeat(MAX_MESSAGE_BYTES);
      publisher.socket.send("text");
      publisher.socket.send(Buffer.from([0, 255]));
      publisher.socket.send("");
      publisher.socket.send(large);
      for (let i = 0; i < 5_000; i++) publisher.socket.send(`${i}`);
      const heard = await subscriber.messages(5_004);
      expect(subscriber.kinds).toEqual(new Set(["binary"]));
      expect(heard.slice(0, 4).map((body) => body.toString("latin1"))).toEqual(["text", "\0\xff", "", large]);
      expect(heard.slice(4).map(String)).toEqual(Array.from({ length: 5_000 }, (_unused, i) => `${i}`));
      publisher.socket.close();
      subscriber.socket.close();
      expect(await publisher.closed()).toEqual([1005, ""]);
    });

    it("take messages in fragments with a ping between, and what comes just before the end", async () => {
      const topic = newTopic();
      const subscriber = await socket(`/sub?topic=${topic}`);
      const publisher = await socket(`/pub?topic=${topic}`);
      const pong = new Promise<Buffer>((resolve) => publisher.socket.once("pong", resolve));
      publisher.socket.send("frag", { fin: false });
      publisher.socket.ping("are you there");
      publisher.socket.send("ment", { fin: true });
      expect(`${await pong}`).toBe("are you there");
      publisher.socket.send("last");
      publisher.socket.close(1000);
      expect(await subscriber.texts(2)).toEqual(["fragment", "last"]);
      subscriber.socket.terminate();
    });

    it("are closed for a message that is too large", async () => {
      const publisher = await socket(`/pub?topic=${newTopic()}`);
      publisher.socket.send("x".repeat(MAX_MESSAGE_BYTES + 1));
      const [code] = await publisher.closed();
      // uWebSockets.js has no closing handshake for it.
      expect(code).toBe(httpEngine === "uws" ? 1006 : 1009);
    });

    it("that subscribe may say what they want", async () => {
      const topic = newTopic();
      const subscriber = await socket(`/sub?topic=${topic}`);
      subscriber.socket.send("anything");
      await ask(post(`/pub?topic=${topic}`, "x"));
      expect(await subscriber.texts(1)).toEqual(["x"]);
      subscriber.socket.terminate();
    });

    // Once more where a busy machine takes longer over the rest of the flood than a broker waits for who is disconnected.
    const again = { retry: 2 };

    it("tell who does not read what has been lost, in place, and why the connection ends", again, async () => {
      const topic = newTopic();
      const slow = await socket(`/sub?topic=${topic}&format=json`);
      await slow.texts(1);
      const cut = await socket(`/sub?topic=${topic}&overflow=disconnect`);
      for (const each of [slow, cut]) each.socket.pause();
      await flood(topic);
      for (const each of [slow, cut]) each.socket.resume();
      let next = 0;
      let lost = 0;
      for (let i = 1; next < FLOOD; i++) {
        const line = JSON.parse(`${(await slow.messages(i + 1))[i]}`);
        if (line.lost !== undefined) {
          next += line.lost;
          lost += line.lost;
        } else {
          expect(line.position).toBe(next);
          next++;
        }
      }
      expect(lost).toBeGreaterThan(0);
      slow.socket.terminate();
      expect(await cut.closed()).toEqual([1013, expect.stringMatching(/^SLOW_SUBSCRIBER: /)]);
    });
  });

  it("knows no other path, and lets no page of another site in", async () => {
    expect(await ask(head("GET", "/subs?topic=a"))).toEqual([404, "not found"]);
    for (const path of ["/pub?topic=a", "/sub?topic=a"]) {
      const [status, json] = await ask(head("GET", path, "Origin: https://evil.example"));
      expect([status, JSON.parse(json)]).toEqual([
        403,
        { code: 403, error: "FORBIDDEN", msg: expect.stringContaining("https://evil.example") },
      ]);
    }
  });

  it("has streams whose clients are gone leave nothing", async () => {
    const { broker: started } = broker();
    const streams = await Promise.all(Array.from({ length: 20 }, () => stream(`topic=${newTopic()}`)));
    const most = started.usage.sessions;
    expect(most).toBeGreaterThanOrEqual(20);
    // A request behind one whose answer has no end waits for ever, or ends it.
    for (const each of streams) each.socket.write(head("GET", "/ping"));
    for (const each of streams) each.close();
    while (started.usage.sessions > most - 20) await new Promise((resolve) => setImmediate(resolve));
  });
});
