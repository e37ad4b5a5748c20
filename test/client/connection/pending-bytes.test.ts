import { expect, it } from "vitest";
import { RingmqError } from "../../../src/client/base/error.js";
import { Allowance } from "../../../src/client/connection/pending-bytes.js";

const refusal = (act: () => void): unknown => {
  try {
    act();
  } catch (error) {
    return error;
  }
  return undefined;
};

it("what is beyond the allowance is refused, and may be tried again", () => {
  const allowance = new Allowance(1000);
  allowance.take(600);
  expect(refusal(() => allowance.take(401))).toMatchObject({ code: "CLIENT_BUSY", retryable: true });
  expect(allowance.held).toBe(600);
  allowance.give(600);
  allowance.take(401);
  expect(allowance.held).toBe(401);
});

it("one request may go, however large it is", () => {
  const allowance = new Allowance(1000);
  allowance.take(5000);
  expect(allowance.held).toBe(5000);
  expect(refusal(() => allowance.take(1))).toBeInstanceOf(RingmqError);
});

it("there is room when half of it is free, and nobody waits before that", async () => {
  const allowance = new Allowance(1000);
  await allowance.ready();
  allowance.take(900);
  let roomy = false;
  const ready = allowance.ready().then(() => {
    roomy = true;
  });
  allowance.give(300);
  await Promise.resolve();
  expect(roomy).toBe(false);
  allowance.give(100);
  await ready;
  expect(roomy).toBe(true);
});

it("there is room at 4 MiB of a large allowance", async () => {
  const allowance = new Allowance(2 ** 30);
  allowance.take(2 ** 29);
  let roomy = false;
  const ready = allowance.ready().then(() => {
    roomy = true;
  });
  allowance.give(2 ** 29 - 2 ** 22 - 1);
  await Promise.resolve();
  expect(roomy).toBe(false);
  allowance.give(1);
  await ready;
});

it("those who wait for room are told when the connection has ended", async () => {
  const allowance = new Allowance(1000);
  allowance.take(900);
  const ready = allowance.ready();
  const gone = new RingmqError("CONNECTION_CLOSED", "gone", true);
  allowance.fail(gone);
  await expect(ready).rejects.toBe(gone);
});
