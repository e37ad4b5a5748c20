import { connect } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import type { FrontEnd } from "../../../src/main/ports/front-end.js";
import { testBroker } from "../../e2e/brokers.js";
import { beanstalk } from "./beanstalk.js";

/** Each byte asks a pop; the handler of an `x` throws. */
const faulty: FrontEnd = {
  name: "faulty",
  recognizes: ([first]) => first === "x".charCodeAt(0) || first === "o".charCodeAt(0),
  open: (session, client) => ({
    take: (bytes, start) => {
      const name = String.fromCharCode(bytes[start] ?? 0);
      session.pop(name, "", {}, () => {
        if (name === "x") throw new Error("a bug in a front end");
        client.write(name);
      });
      return start + 1;
    },
  }),
};

const start = () => testBroker({ durability: "memory" }, { frontEnds: [beanstalk, faulty] });

/** Says it, and answers what it is told until the broker closes; `isAll`: the broker is told that there is no more. */
const talk = (port: number, text: string, isAll = false): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    onTestFinished(() => void socket.destroy());
    let heard = "";
    socket.on("data", (bytes) => {
      heard += bytes.toString("latin1");
    });
    socket.on("error", () => {});
    socket.on("end", () => resolve(heard));
    socket.write(text);
    if (isAll) socket.end();
  });

const put = (body: string): string => `put 0 0 60 ${body.length}\r\n${body}\r\n`;

/** The bodies of so many jobs, reserved one after the other. */
const drain = async (port: number, jobs: number): Promise<string[]> => {
  const heard = await talk(port, `${"reserve\r\n".repeat(jobs)}quit\r\n`);
  return [...heard.matchAll(/RESERVED \d+ \d+\r\n(.*)\r\n/g)].map(([, body = ""]) => body);
};

describe("a front end with ids and leases", () => {
  it("puts, reserves and deletes", async () => {
    const { tcp } = await start();
    const socket = connect({ port: tcp, host: "127.0.0.1" });
    onTestFinished(() => void socket.destroy());
    const heard = (): Promise<string> => new Promise((resolve) => socket.once("data", (bytes) => resolve(`${bytes}`)));
    socket.write(put("hello"));
    const [, id = ""] = /^INSERTED (\d+)\r\n$/.exec(await heard()) ?? [];
    socket.write("reserve\r\n");
    expect(await heard()).toBe(`RESERVED ${id} 5\r\nhello\r\n`);
    socket.write(`delete ${id}\r\ndelete ${id}\r\n`);
    expect(await heard()).toBe("DELETED\r\nNOT_FOUND\r\n");
  });

  it("delays", async () => {
    const { tcp } = await start();
    const began = performance.now();
    expect(await talk(tcp, "put 0 1 60 1\r\nx\r\nreserve\r\nquit\r\n")).toMatch(/RESERVED \d+ 1\r\nx\r\n$/);
    expect(performance.now() - began).toBeGreaterThan(900);
  });

  it("carries nothing out behind the command that ends the session", async () => {
    const { tcp } = await start();
    expect(await talk(tcp, `${put("a")}quit\r\n${put("b")}`)).toMatch(/^INSERTED \d+\r\n$/);
    expect(await talk(tcp, `${put("c")}quit\r\n`)).toMatch(/^INSERTED \d+\r\n$/);
    expect(await drain(tcp, 2)).toEqual(["a", "c"]);
  });

  it("carries nothing out behind a command of several requests until the last is answered", async () => {
    const { tcp } = await start();
    await talk(tcp, `use second\r\n${put("a")}${put("b")}quit\r\n`);
    const asked = `watch second\r\nreserve\r\nreserve\r\nuse third\r\n${put("c")}quit\r\n`;
    const heard = (await talk(tcp, asked)).replace(/\d{9,}/g, "ID");
    expect(heard).toBe("WATCHING 2\r\nRESERVED ID 1\r\na\r\nRESERVED ID 1\r\nb\r\nUSING third\r\nINSERTED ID\r\n");
  });

  it("is closed when a handler fails, lest the next answer is taken for the one that is missing", async () => {
    const { tcp } = await start();
    expect(await talk(tcp, "oxo", true)).not.toMatch(/oo/);
  });
});
