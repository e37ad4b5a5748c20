/** What HTTP clients get of their answers when the broker stops. */
import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { ENGINE_NAMES } from "../http-engine.js";
import { testBroker } from "./brokers.js";

const BODY = 8 * 1024 * 1024;

describe.each(ENGINE_NAMES)("with the HTTP engine %s", (httpEngine) => {
  it("a client that reads its answer gets all of it although the broker stops", async () => {
    const { broker, http } = await testBroker({ httpEngine });
    const url = `http://127.0.0.1:${http}`;
    await fetch(`${url}/config?topic=t&isAutoAck=1`);
    const form = new URLSearchParams({ data: JSON.stringify({ topic: "t", body: "x".repeat(BODY) }) });
    expect(await (await fetch(`${url}/push`, { method: "POST", body: form })).json()).toMatchObject({ code: 0 });

    const socket = connect({ port: http, host: "127.0.0.1" });
    socket.write("GET /pop?topic=t HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let heard = 0;
    let last = "";
    let closed: Promise<void> | undefined;
    for await (const bytes of socket) {
      heard += bytes.length;
      last = (last + String(bytes)).slice(-64);
      // From the first bytes on: it reads on while the broker stops.
      closed ??= broker.close();
    }
    await closed;
    expect(heard).toBeGreaterThan(BODY);
    expect(last).toMatch(/"\}.*0\r\n\r\n$|\}$/s);
  });

  it("a client that does not read keeps no broker from stopping", async () => {
    const { broker, http } = await testBroker({ httpEngine });
    const url = `http://127.0.0.1:${http}`;
    const form = new URLSearchParams({ data: JSON.stringify({ topic: "t", body: "x".repeat(BODY) }) });
    await fetch(`${url}/push`, { method: "POST", body: form });
    const socket = connect({ port: http, host: "127.0.0.1" });
    socket.on("error", () => {});
    socket.pause();
    socket.write("GET /pop?topic=t HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await new Promise((resolve) => socket.once("readable", resolve));
    const begin = performance.now();
    await broker.close();
    expect(performance.now() - begin).toBeLessThan(8_000);
    socket.destroy();
  });
});
