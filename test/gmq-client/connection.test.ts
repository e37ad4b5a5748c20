/** The client of the line protocol against a server of a few lines, whose bytes are written here. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { GmqConnection } from "../../src/gmq-client/connection.js";
import * as requests from "../../src/gmq-client/requests.js";
import { ResponseReader, ResponseType } from "../../src/gmq-client/response-reader.js";

const response = (type: number, data: string): Buffer => {
  const head = Buffer.alloc(6);
  head.writeUInt16BE(type);
  head.writeUInt32BE(Buffer.byteLength(data), 2);
  return Buffer.concat([head, Buffer.from(data)]);
};

/** A connection, and the other end of it. */
const pair = async (): Promise<{ readonly node: GmqConnection; readonly server: Socket }> => {
  const listener = createServer();
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const accepted = once(listener, "connection") as Promise<[Socket]>;
  const node = await GmqConnection.open({ host: "127.0.0.1", port: (listener.address() as AddressInfo).port });
  const [server] = await accepted;
  server.on("error", () => {});
  onTestFinished(() => {
    node.close();
    server.destroy();
    listener.close();
  });
  return { node, server };
};

const pop = requests.pop("t", "");

describe("a connection to a node", () => {
  it("gives each request its response, in order, pings and channel messages aside", async () => {
    const { node, server } = await pair();
    const seen: string[] = [];
    node.onPing = () => seen.push("ping");
    node.onChannelMessage = (data) => seen.push(data.toString());
    const answers = [node.send(pop), node.send(pop), node.send(pop)];
    server.write(
      Buffer.concat([
        response(103, "1"),
        response(105, "ping"),
        response(101, "2"),
        response(104, "c"),
        response(102, "3"),
      ]),
    );
    const got = await Promise.all(answers);
    expect(got.map(({ type, data }) => [type, data.toString()])).toEqual([
      [103, "1"],
      [101, "2"],
      [102, "3"],
    ]);
    expect(seen).toEqual(["ping", "c"]);
  });

  it("rejects what is unanswered when it ends, and what comes later", async () => {
    const { node, server } = await pair();
    const first = node.send(pop);
    const second = node.send(pop);
    server.write(response(103, "1"));
    await first;
    server.end();
    await expect(second).rejects.toThrow(/^the node closed the connection$/);
    await expect(node.send(pop)).rejects.toThrow(/^the node closed the connection$/);
  });

  it("says what may be wrong when it ends without any answer, as a port with TLS ends it", async () => {
    const { node, server } = await pair();
    const first = node.send(pop);
    server.end();
    await expect(first).rejects.toThrow(
      "closed the connection without an answer; is that its TCP port, and without TLS",
    );
  });

  it.each([
    ["a type that there is not", response(100, "")],
    ["a length beyond all bounds", Buffer.from([0, 101, 0xff, 0xff, 0xff, 0xff])],
    ["an answer to nothing", response(103, "")],
    ["HTTP", Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")],
  ])("ends at %s", async (_, bytes) => {
    const { node, server } = await pair();
    server.write(bytes);
    expect((await node.closed).message).toMatch(/line protocol|not asked/);
  });

  it("is refused where nobody listens", async () => {
    await expect(GmqConnection.open({ host: "127.0.0.1", port: 1 })).rejects.toThrow("ECONNREFUSED");
  });
});

it("responses are read whatever pieces they come in", () => {
  const stream = Buffer.concat([response(103, "abc"), response(105, ""), response(101, "x".repeat(300))]);
  for (let size = 1; size <= stream.length; size++) {
    const reader = new ResponseReader();
    const got: string[] = [];
    for (let at = 0; at < stream.length; at += size) {
      reader.push(stream.subarray(at, at + size), ({ type, data }) => got.push(`${type} ${data}`));
    }
    expect(got).toEqual(["103 abc", `${ResponseType.ping} `, `101 ${"x".repeat(300)}`]);
  }
});

it("requests are what gmq's client writes, with and without keys", () => {
  const text = (bytes: Buffer): string => bytes.toString("latin1");
  const body = Buffer.from("hi");
  expect(text(requests.pub("t", "k", 3, body))).toBe("pub t k 3\n\0\0\0\x02hi");
  expect(text(requests.pub("t", "", 3, body))).toBe("pub t 3\n\0\0\0\x02hi");
  expect(text(requests.mpub("t", "", ["a", "bc"]))).toBe("mpub t 2\n\0\0\0\0\0\0\0\x01a\0\0\0\0\0\0\0\x02bc");
  const element = '{"body":"a","topic":"t","delay":0,"route_key":"k"}';
  expect(text(requests.mpub("t", "k", ["a"]))).toBe(`mpub t 1\n\0\0\0${String.fromCharCode(element.length)}${element}`);
  expect([requests.pop("t", "k"), requests.pop("t", "")].map(text)).toEqual(["pop t k\n", "pop t\n"]);
  expect([requests.ack("1", "t", "k"), requests.ack("1", "t", "")].map(text)).toEqual(["ack 1 t k\n", "ack 1 t\n"]);
  expect([requests.dead("t", "k", 5), requests.dead("t", "", 5)].map(text)).toEqual(["dead t k\n", "dead t 5\n"]);
  expect([requests.queue("t", "k"), requests.subscribe("c")].map(text)).toEqual(["queue t k\n", "subscribe c\n"]);
  expect(text(requests.publish("c", body))).toBe("publish c\n\0\0\0\x02hi");
});
