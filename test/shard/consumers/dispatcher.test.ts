import { describe, expect, it } from "vitest";
import { Driver } from "../model/driver.js";
import type { Step } from "../model/steps.js";

const asking = { connection: 1, topic: "t", queue: "default" };
const publish = (count: number, size: number): Step => ({
  do: "publish",
  connection: 1,
  topic: "t",
  key: "",
  delay: 0,
  ttl: 0,
  count,
  size,
  merged: false,
});
const consume = (connection: number, credit: number): Step => ({
  do: "consume",
  ...asking,
  connection,
  credit,
  renew: false,
});
const pop = (max: number, wait = 0): Step => ({ do: "pop", ...asking, max, maxBytes: 1024 * 1024, wait });

/** The model holds the shard to who is served, with what and in which order. */
const playWithoutTurns = (steps: readonly Step[]): Driver => {
  const driver = new Driver();
  driver.play(
    steps.map((step) => ({ step, turn: false })),
    false,
  );
  return driver;
};

describe("dispatcher", () => {
  it("lets no pop pass consumers who wait, although enough has been sent for one turn", () => {
    const driver = playWithoutTurns([publish(60, 30_000), consume(1, 100), pop(1)]);
    driver.turn();
  });

  it("serves consumers in turn, 512 messages at a time", () => {
    const driver = playWithoutTurns([publish(4000, 0), consume(1, 2000), consume(2, 2000), consume(3, 100)]);
    driver.shard.turn(driver.model.world.now);
    const served = driver.recorder.take().map((effect) => {
      expect(effect.kind).toBe("messages");
      return effect.kind === "messages" ? [effect.connection, effect.messages.length] : [];
    });
    const two = (first: number, second: number): number[][] => [
      [1, first],
      [2, second],
    ];
    expect(served).toEqual([...two(512, 512), [3, 100], ...two(512, 512), ...two(512, 512), ...two(464, 364)]);
  });

  it("serves consumers 256 KiB at a time", () => {
    const driver = playWithoutTurns([publish(20, 100_000), consume(1, 10), consume(2, 10)]);
    driver.shard.turn(driver.model.world.now);
    const sizes = driver.recorder.take().map((effect) => (effect.kind === "messages" ? effect.messages.length : 0));
    expect(sizes.every((size) => size === 2)).toBe(true);
  });

  it("ends a turn when about a MiB has been sent, and asks for another at once", () => {
    const driver = playWithoutTurns([publish(100, 30_000), consume(1, 100)]);
    const { now } = driver.model.world;
    let turns = 0;
    for (let next = now; next <= now; turns++) {
      next = driver.shard.turn(now);
      const bytes = driver.recorder
        .take()
        .flatMap((effect) => (effect.kind === "messages" ? effect.messages : []))
        .reduce((sum, { entry }) => sum + entry.length, 0);
      expect(bytes).toBeLessThanOrEqual(1024 * 1024 + 256 * 1024);
    }
    expect(turns).toBe(3);
  });

  it("gives a pop whose time is over what comes in that very turn", () => {
    const driver = new Driver();
    const steps: Step[] = [pop(5, 100), publish(3, 0)];
    driver.play(steps.map((step) => ({ step, turn: false })));
    driver.shard.turn(driver.model.world.now + 100);
    const [effect] = driver.recorder.take();
    expect(effect?.kind === "messages" ? effect.messages : []).toHaveLength(3);
  });

  it("answers what a held connection asks for once it is released, in order", () => {
    const driver = new Driver();
    const steps: Step[] = [
      publish(9, 0),
      { do: "hold", connection: 1 },
      pop(2),
      pop(3),
      { do: "browse", ...asking, state: "ready", offset: 0, max: 10, maxBytes: 1000 },
      pop(1, 50),
    ];
    driver.play(steps.map((step) => ({ step, turn: true })));
    driver.shard.apply({ op: "unhold", connection: 1 }, driver.model.world.now);
    driver.shard.turn(driver.model.world.now);
    const sizes = driver.recorder.take().map((effect) => (effect.kind === "messages" ? effect.messages.length : -1));
    expect(sizes).toEqual([2, 3, 4, 1]);
  });

  it("forgets what a held connection has asked for when it goes", () => {
    const driver = new Driver();
    const steps: Step[] = [publish(9, 0), { do: "hold", connection: 1 }, pop(2), { do: "disconnect", connection: 1 }];
    driver.play(steps.map((step) => ({ step, turn: true })));
    expect([...driver.shard.connections.all].map(({ number }) => number)).not.toContain(1);
  });

  it("closes a connection that uses the request number of a consumer for another", () => {
    const driver = playWithoutTurns([]);
    const command = {
      op: "consume",
      connection: 1,
      request: 5,
      topic: "t",
      queue: "",
      credit: 1,
      renew: false,
    } as const;
    driver.shard.apply(command, driver.model.world.now);
    driver.shard.apply(command, driver.model.world.now);
    expect(driver.recorder.take()).toEqual([
      { kind: "confirm", connection: 1, request: 5, requests: 1, id: 0n, messages: 0 },
      { kind: "close", connection: 1, error: "DUPLICATE_REQUEST" },
    ]);
  });
});
