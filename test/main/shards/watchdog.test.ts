import { expect, it } from "vitest";
import { Watchdog, type Watched } from "../../../src/main/shards/watchdog.js";
import { Op } from "../../../src/protocol/op.js";
import { Doing, PULSE_BYTES, Pulse, PulseReader } from "../../../src/workers/pulse.js";

/** A watchdog over one shard that looks once a second for ten, and what it has told. */
const watch = (state: { isRunning?: boolean; isStarting?: boolean; isIdle?: boolean } = {}) => {
  const memory = new SharedArrayBuffer(PULSE_BYTES);
  const life = (): Watched => ({
    pulse: new PulseReader(memory),
    isRunning: true,
    isStarting: false,
    isIdle: true,
    ...state,
  });
  const lives: (Watched | undefined)[] = [life()];
  const told: string[] = [];
  const watchdog = new Watchdog({
    timeout: 10_000,
    lives,
    stuck: (shard, doing) => told.push(`${shard} stuck ${doing}`),
    waits: (shard, doing) => told.push(`${shard} waits ${doing}`),
    goesOn: (shard, milliseconds) => told.push(`${shard} goes on after ${milliseconds}`),
  });
  const look = (times: number): void => {
    for (let i = 0; i < times; i++) watchdog.look();
  };
  return { pulse: new Pulse(memory), lives, life, told, look };
};

it("tells of a thread that has not got on in ten looks what it is at, and not before", () => {
  const { pulse, told, look } = watch();
  pulse.at(Doing.requests);
  pulse.carriesOut(Op.CONFIGURE, 12);
  look(10);
  expect(told).toEqual([]);
  look(1);
  expect(told).toEqual(["0 stuck carrying out CONFIGURE of connection 12"]);
});

it("says nothing of one that gets on, however slowly", () => {
  const { pulse, told, look } = watch();
  pulse.at(Doing.turn);
  for (let i = 0; i < 10; i++) {
    look(10);
    pulse.beat();
  }
  expect(told).toEqual([]);
});

it.each([
  [Doing.disk, "waiting for the disk"],
  [Doing.outbox, "waiting for room in its outbox"],
  [Doing.starting, "starting"],
])("tells once of one that waits (%i), and when it gets on", (doing, text) => {
  const { pulse, told, look } = watch();
  pulse.at(doing);
  look(25);
  expect(told).toEqual([`0 waits ${text}`]);
  pulse.beat();
  look(2);
  expect(told).toEqual([`0 waits ${text}`, "0 goes on after 24000"]);
});

it("lets one sleep that has nothing to do, and not one that has missed its bell", () => {
  const state = { isIdle: true };
  const { pulse, told, look, lives, life } = watch(state);
  pulse.at(Doing.asleep);
  look(100);
  expect(told).toEqual([]);
  state.isIdle = false;
  lives[0] = life();
  look(11);
  expect(told).toEqual(["0 stuck asleep"]);
});

it("does not replace one that reads its journal at a start, and does so later", () => {
  const { pulse, told, look } = watch({ isStarting: true });
  pulse.at(Doing.replaying);
  look(30);
  expect(told).toEqual(["0 waits replaying its journal"]);
  const later = watch();
  later.pulse.at(Doing.replaying);
  later.look(11);
  expect(later.told).toEqual(["0 stuck replaying its journal"]);
});

it("begins anew with each life, and looks at none that has no thread", () => {
  const { pulse, told, look, lives, life } = watch();
  pulse.at(Doing.requests);
  look(9);
  lives[0] = life();
  look(10);
  lives[0] = undefined;
  look(100);
  expect(told).toEqual([]);
  const ending = watch({ isRunning: false });
  ending.pulse.at(Doing.requests);
  ending.look(100);
  expect(ending.told).toEqual([]);
});
