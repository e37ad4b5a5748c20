/** Channels, through every front end: what one publishes, each subscriber of every other hears. */
import { describe, expect, it } from "vitest";
import { sharedBroker } from "../e2e/brokers.js";
import { clientOf } from "../e2e/clients.js";
import { CHANNEL_DOORS, type ChannelDoor, type Listener } from "./channel-doors.js";

const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
const LARGE = Buffer.alloc(1024 * 1024, "0123456789abcdef-");
const MESSAGES = 500;

const broker = sharedBroker({ shards: 2, durability: "memory", grpc: { host: "127.0.0.1", port: 0 } });

let channels = 0;
const newChannel = (): string => `news-${++channels}`;

const hear = async (listener: Listener, count: number): Promise<Buffer[]> => {
  const bodies: Buffer[] = [];
  while (bodies.length < count) bodies.push(await listener.next());
  return bodies;
};

/** Resolves when nobody is subscribed. The broker learns of a client that goes a moment later. */
const nobodyListens = async (channel: string): Promise<void> => {
  const admin = await clientOf(broker().tcp);
  while ((await admin.publishToChannel(channel, "is anybody there?")).subscribers > 0);
};

const numbered = (count: number): Buffer[] => Array.from({ length: count }, (_, i) => Buffer.from(`${i}`));

describe.each(CHANNEL_DOORS.map((door) => [door.name, door] as const))("%s", (_, door) => {
  it("brings every subscriber every message, as it was", async () => {
    const channel = newChannel();
    const listeners = await Promise.all(
      [door, door, ...CHANNEL_DOORS].map((each) => each.subscribe(broker(), channel)),
    );
    const bodies = [ALL_BYTES, Buffer.alloc(0), LARGE, Buffer.from("\r\n"), Buffer.from("é中🐇")];
    await door.publish(broker(), channel, bodies);
    for (const listener of listeners) {
      const heard = await hear(listener, bodies.length);
      expect(heard.map((body, i) => body.equals(bodies[i] ?? LARGE))).toEqual(bodies.map(() => true));
    }
    await Promise.all(listeners.map((listener) => listener.close()));
  });

  it("brings nothing of another channel", async () => {
    const [channel, other] = [newChannel(), newChannel()];
    const [listener, elsewhere] = [await door.subscribe(broker(), channel), await door.subscribe(broker(), other)];
    await door.publish(broker(), other, [Buffer.from("theirs")]);
    await door.publish(broker(), channel, [Buffer.from("ours")]);
    expect([`${await listener.next()}`, `${await elsewhere.next()}`]).toEqual(["ours", "theirs"]);
    await Promise.all([listener.close(), elsewhere.close()]);
  });

  it("leaves nothing behind when its subscriber goes", async () => {
    const channel = newChannel();
    const staying = await door.subscribe(broker(), channel);
    const leaving = await door.subscribe(broker(), channel);
    await leaving.close();
    await door.publish(broker(), channel, [Buffer.from("a")]);
    expect(`${await staying.next()}`).toBe("a");
    await staying.close();
    await nobodyListens(channel);
  });

  it(`brings every other ${MESSAGES} messages, in order`, async () => {
    const channel = newChannel();
    const listeners = await Promise.all(CHANNEL_DOORS.map((to) => to.subscribe(broker(), channel)));
    const bodies = numbered(MESSAGES);
    const all = listeners.map((listener) => hear(listener, MESSAGES));
    const [heard] = await Promise.all([Promise.all(all), door.publish(broker(), channel, bodies)]);
    for (const [i, to] of CHANNEL_DOORS.entries())
      expect(heard[i]?.map(String), `at ${to.name}`).toEqual(bodies.map(String));
    await Promise.all(listeners.map((listener) => listener.close()));
  });

  it.runIf(door.subscribeSlowly !== undefined)("tells a slow subscriber in band what it has lost", async () => {
    await toldOfLosses(door);
  });
});

/** More than a broker keeps for a subscriber that takes no more. */
const TOO_MANY = 8192 + 1000;

const toldOfLosses = async (door: ChannelDoor): Promise<void> => {
  const channel = newChannel();
  const listener = await door.subscribeSlowly?.(broker(), channel);
  if (listener === undefined) return;
  for (let i = 0; i < TOO_MANY; i += 1000) {
    await door.publish(broker(), channel, numbered(TOO_MANY).slice(i, i + 1000));
  }
  let next = 0;
  let lost = 0;
  while (next < TOO_MANY) {
    const body = `${await listener.next()}`;
    lost += listener.lost;
    // What is told is what is missing, in its place.
    expect(body).toBe(`${next + listener.lost}`);
    next += listener.lost + 1;
  }
  expect(lost).toBeGreaterThan(0);
  await listener.close();
};
