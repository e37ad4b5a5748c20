/** The past of channels, through every front end: where a subscriber begins, and that it goes on without a gap or a double. */
import { describe, expect, it, onTestFinished } from "vitest";
import type { Client } from "../../src/client/client.js";
import { sharedBroker } from "../e2e/brokers.js";
import { clientOf } from "../e2e/clients.js";
import { type Beginning, KEPT_DOORS, type KeptDoor, type Replay } from "./kept-doors.js";
import { GrpcClient } from "./memmq-grpc-client.js";

const broker = sharedBroker({ persist: true, grpc: { host: "127.0.0.1", port: 0 } });

let channels = 0;
const newChannel = (): string => `kept-${++channels}`;

/** Lines, so that answers that put nothing between messages can be told apart. */
const bodies = (from: number, past: number): string[] => Array.from({ length: past - from }, (_, i) => `${from + i}\n`);

const publish = (client: Client, channel: string, from: number, past: number): Promise<unknown> =>
  Promise.all(bodies(from, past).map((body) => client.publishToChannel(channel, body)));

const hear = async (replay: Replay, count: number): Promise<string[]> => {
  const heard: string[] = [];
  while (heard.length < count) heard.push(await replay.next());
  return heard;
};

const close = (replays: readonly Replay[]): Promise<unknown> => Promise.all(replays.map((replay) => replay.close()));

/** Those through whose door one can begin there, and the first message that each must hear. */
type Reader = readonly [name: string, replay: Replay, first: number];

describe.each(KEPT_DOORS.map((door) => [door.name, door] as const))("%s", (_, door: KeptDoor) => {
  it("replays what is kept from wherever it is asked to, and then follows", async () => {
    const client = await clientOf(broker().tcp);
    const channel = newChannel();
    await publish(client, channel, 0, 1_000);
    const all = await client.subscribe(channel, { from: "start" });
    const times: number[] = [];
    while (times.length < 1_000) times.push((await all.next()).value?.time ?? 0);
    const since = times[700] ?? 0;
    const { epoch = "" } = all;
    const beginnings: readonly (readonly [string, Beginning, number])[] = [
      ["the start", { from: "start" }, 0],
      ["a time", { from: new Date(since) }, times.findIndex((time) => time >= since)],
      ["a position", { position: 321, epoch }, 321],
      ["now", { from: "now" }, 1_000],
      ["now, with a history", { recover: true }, 1_000],
    ];
    const readers: Reader[] = [];
    for (const [name, beginning, first] of beginnings) {
      if ("position" in beginning && door.cannot === "position") continue;
      const replay = await door.open(broker(), channel, beginning);
      readers.push([name, replay, first]);
      if (replay.told === undefined) continue;
      const isResumed = "position" in beginning;
      expect(replay.told, name).toEqual({
        epoch,
        position: first,
        recovered: isResumed ? true : undefined,
        lost: isResumed ? 0 : undefined,
      });
    }
    await publish(client, channel, 1_000, 1_200);
    for (const [name, replay, first] of readers)
      expect(await hear(replay, 1_200 - first), `from ${name}`).toEqual(bodies(first, 1_200));
    await close(readers.map(([, replay]) => replay));
  });
});

it("every front end's subscribers go on when the shard of their channel has died: nothing lost, nothing twice", async () => {
  const client = await clientOf(broker().tcp);
  const channel = newChannel();
  await publish(client, channel, 0, 500);
  const readers: Reader[] = [];
  for (const door of KEPT_DOORS) {
    readers.push([door.name, await door.open(broker(), channel, { from: "start" }), 0]);
    readers.push([`${door.name}, from now`, await door.open(broker(), channel, { from: "now" }), 500]);
  }
  const grpc = new GrpcClient(broker().broker.addresses.grpc?.port ?? 0);
  onTestFinished(() => grpc.close());
  const passing = newChannel();
  await client.configureChannel(passing, { keep: false });
  const unaware = await grpc.subscribed(passing);
  const aware = await grpc.subscribed(passing, { recover: "true" });
  const confirmed: string[] = [];
  let sent = 500;
  const burst = async (): Promise<void> => {
    const batch = bodies(sent, sent + 50);
    sent += batch.length;
    const inDoubt = (): void => {};
    const publishes = batch.map((body) =>
      client.publishToChannel(channel, body).then(() => confirmed.push(body), inDoubt),
    );
    await Promise.all(publishes);
  };
  let isDead = false;
  const publishing = (async () => {
    while (!isDead) await burst();
  })();
  const before = await Promise.all(readers.map(([, replay, first]) => hear(replay, 510 - first)));
  await broker().broker.supervisor.kill(0);
  isDead = true;
  await publishing;
  await burst();
  await client.publishToChannel(channel, "end\n");
  const heard: string[][] = [];
  for (const [i, [, replay]] of readers.entries()) {
    const all = before[i] ?? [];
    while (all.at(-1) !== "end\n") all.push(await replay.next());
    heard.push(all);
  }
  const history = heard[0] ?? [];
  expect(history.slice(0, 500)).toEqual(bodies(0, 500));
  expect(new Set(history).size).toBe(history.length);
  const had = new Set(history);
  expect(confirmed.filter((body) => !had.has(body))).toEqual([]);
  for (const [i, [name, , first]] of readers.entries()) expect(heard[i], name).toEqual(history.slice(first));
  await close(readers.map(([, replay]) => replay));
  // Of a channel that begins anew: who goes by positions is to ask again, and memmq's clients, who do not, hear what comes.
  expect(await aware.ended).toMatchObject({ details: expect.stringMatching(/^SHARD_RESTARTED: /) });
  while (unaware.texts.length === 0) await client.publishToChannel(passing, "after");
  expect(unaware.texts[0]).toBe("after");
  unaware.stream.cancel();
});
