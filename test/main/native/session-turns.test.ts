/** Requests of a turn travel together, unless they are many. */
import { setImmediate } from "node:timers/promises";
import { expect, it } from "vitest";
import { SILENT } from "../../../src/main/log.js";
import { SessionTurns, type TurnTaker } from "../../../src/main/native/session-turns.js";
import { LENGTH_BYTES, REQUEST } from "../../../src/protocol/frame.js";

const MEBIBYTE = 1024 * 1024;

/** A session that notes which requests it has sent, and how many bytes at once. */
const makeSession = (): TurnTaker & { readonly requests: number[]; readonly sizes: number[] } => {
  const requests: number[] = [];
  const sizes: number[] = [];
  return {
    peer: "a test",
    turn: 0,
    gathered: 0,
    requests,
    sizes,
    send: (_bytes, view, start, end) => {
      sizes.push(end - start);
      for (let at = start; at < end; at += LENGTH_BYTES + view.getUint32(at))
        requests.push(view.getUint32(at + REQUEST));
    },
    failSent: () => {},
    answerError: () => {},
  };
};

const gather = (turns: SessionTurns, session: TurnTaker, request: number, bytes: number): void =>
  turns.gather(session, 0x10, 0, request, new Uint8Array(8), new Uint8Array(bytes));

it("sends few requests together, at the end of the turn", async () => {
  const turns = new SessionTurns(SILENT);
  const session = makeSession();
  for (let request = 1; request <= 100; request++) gather(turns, session, request, 100);
  await Promise.resolve();
  expect(session.requests).toEqual([]);
  await setImmediate();
  expect(session.requests).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
  expect(session.sizes).toHaveLength(1);
});

it("does not gather more than some mebibytes of all sessions, and keeps their order", async () => {
  const turns = new SessionTurns(SILENT);
  const sessions = Array.from({ length: 16 }, makeSession);
  let isTurnOver = false;
  const turn = setImmediate().then(() => {
    isTurnOver = true;
  });
  for (const [i, session] of sessions.entries()) {
    gather(turns, session, 2 * i + 1, MEBIBYTE / 2);
    gather(turns, session, 2 * i + 2, MEBIBYTE / 2);
    // As between the sockets that a turn reads.
    await new Promise<void>((resolve) => process.nextTick(resolve));
    const sent = sessions.flatMap(({ sizes }) => sizes).reduce((sum, size) => sum + size, 0);
    expect((i + 1) * MEBIBYTE - sent).toBeLessThan(3 * MEBIBYTE);
  }
  expect(isTurnOver).toBe(false);
  await turn;
  await setImmediate();
  for (const [i, { requests }] of sessions.entries()) expect(requests).toEqual([2 * i + 1, 2 * i + 2]);
});
