import { expect, it } from "vitest";
import { RingmqError } from "../../../src/client/base/error.js";
import { PendingBytes } from "../../../src/client/connection/pending-bytes.js";

const refusal = (act: () => void): unknown => {
  try {
    act();
  } catch (error) {
    return error;
  }
  return undefined;
};

it("what is beyond the bound is refused, and may be tried again", () => {
  const pendingBytes = new PendingBytes(1000);
  pendingBytes.reserve(600);
  expect(refusal(() => pendingBytes.reserve(401))).toMatchObject({ code: "CLIENT_BUSY", retryable: true });
  expect(pendingBytes.total).toBe(600);
  pendingBytes.release(600);
  pendingBytes.reserve(401);
  expect(pendingBytes.total).toBe(401);
});

it("one request may go, however large it is", () => {
  const pendingBytes = new PendingBytes(1000);
  pendingBytes.reserve(5000);
  expect(pendingBytes.total).toBe(5000);
  expect(refusal(() => pendingBytes.reserve(1))).toBeInstanceOf(RingmqError);
});

it("there is room when half of it is free, and nobody waits before that", async () => {
  const pendingBytes = new PendingBytes(1000);
  await pendingBytes.ready();
  pendingBytes.reserve(900);
  let roomy = false;
  const ready = pendingBytes.ready().then(() => {
    roomy = true;
  });
  pendingBytes.release(300);
  await Promise.resolve();
  expect(roomy).toBe(false);
  pendingBytes.release(100);
  await ready;
  expect(roomy).toBe(true);
});

it("there is room at 4 MiB of a large bound", async () => {
  const pendingBytes = new PendingBytes(2 ** 30);
  pendingBytes.reserve(2 ** 29);
  let roomy = false;
  const ready = pendingBytes.ready().then(() => {
    roomy = true;
  });
  pendingBytes.release(2 ** 29 - 2 ** 22 - 1);
  await Promise.resolve();
  expect(roomy).toBe(false);
  pendingBytes.release(1);
  await ready;
});

it("those who wait for room are told when the connection has ended", async () => {
  const pendingBytes = new PendingBytes(1000);
  pendingBytes.reserve(900);
  const ready = pendingBytes.ready();
  const gone = new RingmqError("CONNECTION_CLOSED", "gone", true);
  pendingBytes.fail(gone);
  await expect(ready).rejects.toBe(gone);
});
