import { describe, expect, it } from "vitest";
import type { ChannelClient, OnPublished } from "../../../../src/main/front-ends/memmq/channels.js";
import { PubBatch } from "../../../../src/main/front-ends/memmq/http/pub-batch.js";
import { PubSocket } from "../../../../src/main/front-ends/memmq/http/pub-socket.js";
import { WaitingInput } from "../../../../src/main/native/waiting-input.js";
import type { WebSocketClient } from "../../../../src/main/ports/http/carried.js";

const MIB = 1024 * 1024;
const MESSAGE = new Uint8Array(60 * 1024);

/** Publishers whose publishes nothing confirms until the test does. */
const publishers = (budgetBytes: number, canPause: boolean) => {
  const waiting = new WaitingInput(budgetBytes);
  const context = { batch: new PubBatch(MIB, 4_096), waiting, maxMessageBytes: 16 * MIB };
  const open = () => {
    const confirms: OnPublished[] = [];
    const turn: (() => void)[] = [];
    const closes: string[] = [];
    const state = { isPaused: false, hasLeft: false };
    const client: WebSocketClient = {
      address: "client",
      credential: undefined,
      canPause,
      unsentBytes: () => 0,
      pause: () => {
        state.isPaused = true;
      },
      resume: () => {
        state.isPaused = false;
      },
      proceed: () => {},
      end: () => {},
      destroy: () => {},
      sweep: () => {},
      flush: () => {},
      sendEntries: () => {},
      sendText: () => {},
      close: (code, reason) => void closes.push(`${code} ${reason}`),
    };
    const channels: ChannelClient = {
      heard: () => {},
      unsent: () => {},
      drained: () => {},
      closed: () => {
        state.hasLeft = true;
      },
      publish: (_channel, _key, _entries, onPublished) => void confirms.push(onPublished),
      subscribe: () => {},
      atTurnEnd: (work) => void turn.push(work),
    };
    const socket = new PubSocket(context, { topic: "topic", key: "" }, client, channels);
    /** Sends about so many mebibytes in one turn. */
    const send = (mebibytes: number): void => {
      for (let sent = 0; sent < mebibytes * MIB; sent += MESSAGE.length) socket.message(MESSAGE);
      for (const work of turn.splice(0)) work();
    };
    const confirmAll = (): void => {
      while (confirms.length > 0) confirms.shift()?.(undefined);
    };
    return { socket, send, confirmAll, closes, state };
  };
  return { waiting, open };
};

describe("what waits of publishers", () => {
  it("is bounded for each, and counts until it is published", () => {
    const { waiting, open } = publishers(1024 * MIB, false);
    const publisher = open();
    publisher.send(14);
    expect(waiting.bytes).toBeGreaterThan(9 * MIB);
    publisher.confirmAll();
    expect(waiting.bytes).toBe(0);
    publisher.send(40);
    expect(publisher.closes).toEqual([expect.stringMatching(/^1013 BUSY: messages come faster/)]);
    expect(waiting.bytes).toBe(0);
  });

  it("is bounded for all together: a thousand that cannot be paused wait with no more than the budget", () => {
    const { waiting, open } = publishers(64 * MIB, false);
    const all = Array.from({ length: 1_000 }, open);
    for (const { send } of all) send(4.2);
    for (const { send } of all) send(4);
    expect(waiting.bytes).toBeGreaterThan(16 * MIB);
    expect(waiting.bytes).toBeLessThanOrEqual(65 * MIB);
    const closed = all.filter(({ closes }) => closes.length > 0);
    expect(closed.length).toBeGreaterThan(900);
    expect(closed[0]?.closes).toEqual([expect.stringMatching(/^1013 BUSY: too much input of all/)]);
    for (const { confirmAll } of all) confirmAll();
    expect(waiting.bytes).toBe(0);
  });

  it("pauses those that can be, and closes none of them for what others have", () => {
    const { waiting, open } = publishers(MIB, true);
    const [first, second] = [open(), open()];
    for (const { send } of [first, second]) send(6);
    expect([first.state.isPaused, second.state.isPaused]).toEqual([true, true]);
    expect([...first.closes, ...second.closes]).toEqual([]);
    first.confirmAll();
    expect(first.state.isPaused).toBe(false);
    second.confirmAll();
    expect(waiting.bytes).toBe(0);
  });

  it("is published when its client has gone, and is dropped when that takes too long", () => {
    const { waiting, open } = publishers(64 * MIB, false);
    const [patient, hasty] = [open(), open()];
    for (const { send, socket } of [patient, hasty]) {
      send(6);
      socket.closed();
    }
    expect([patient.state.hasLeft, hasty.state.hasLeft]).toEqual([false, false]);
    patient.confirmAll();
    hasty.socket.closed();
    expect([patient.state.hasLeft, hasty.state.hasLeft]).toEqual([true, true]);
    expect(waiting.bytes).toBe(0);
  });
});
