import { expect, it } from "vitest";
import { hasHead, RawConnection, WebSocketClient } from "../conformance/memmq-wire.js";
import { ENGINE_NAMES } from "../http-engine.js";
import { PLAIN } from "../tls.js";
import { testBroker } from "./brokers.js";

const SUBSCRIBERS = 1_000;
const MESSAGES = 20;
/** Opened at the same time. */
const OPENING = 100;

const payloads = Array.from({ length: MESSAGES }, (_unused, i) => `message ${i}`);

/** What each subscriber is to read: an unmasked frame of a binary message for each, in order. */
const FRAMES = payloads.map((body) => `\x82${String.fromCharCode(body.length)}${body}`).join("");

const upgrade = (port: number): string =>
  [
    "GET /sub?topic=news HTTP/1.1",
    `Host: 127.0.0.1:${port}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "",
    "",
  ].join("\r\n");

it.each(ENGINE_NAMES)("%s: a thousand WebSockets of a channel each get every message, in order", async (httpEngine) => {
  const { http, broker } = await testBroker({ httpEngine, durability: "memory" });
  const subscribe = async (): Promise<RawConnection> => {
    const subscriber = await RawConnection.open(PLAIN, http);
    await subscriber.say(upgrade(http), hasHead);
    return subscriber;
  };
  const subscribers: RawConnection[] = [];
  while (subscribers.length < SUBSCRIBERS)
    subscribers.push(...(await Promise.all(Array.from({ length: OPENING }, subscribe))));

  const publisher = await WebSocketClient.open(PLAIN, http, "/pub?topic=news");
  for (const body of payloads) publisher.socket.send(body);

  const isWhole = (text: string): boolean => text.length - text.indexOf("\r\n\r\n") - 4 >= FRAMES.length;
  const heard = await Promise.all(subscribers.map((subscriber) => subscriber.until(isWhole)));
  const wrong = heard.filter((text) => text.slice(text.indexOf("\r\n\r\n") + 4) !== FRAMES);
  expect(wrong).toEqual([]);
  for (const subscriber of subscribers) subscriber.close();
  publisher.socket.terminate();
  while (broker.usage.sessions > 0) await new Promise((resolve) => setImmediate(resolve));
});
