import { expect, it } from "vitest";
import { RingmqError } from "../../../src/client/base/error.js";
import { CountRequest } from "../../../src/client/connection/pending-request.js";
import { RequestTable } from "../../../src/client/connection/request-table.js";

const LAST = 0xffff_ffff;

it("requests are numbered one after another from the one behind HELLO", () => {
  const requests = new RequestTable(() => false);
  expect([1, 2, 3].map(() => requests.add(new CountRequest()))).toEqual([2, 3, 4]);
});

it("numbers begin again after the last, and pass over those that are still in use", () => {
  const requests = new RequestTable((request) => request === 2, LAST - 1);
  const waiting = new CountRequest();
  expect(requests.add(waiting)).toBe(LAST);
  // 0 is not a request number; 2 belongs to a consumer.
  expect(requests.add(new CountRequest())).toBe(1);
  expect(requests.add(new CountRequest())).toBe(3);
  expect(requests.take(LAST)).toBe(waiting);
});

it("an answer is given once", () => {
  const requests = new RequestTable(() => false);
  const pending = new CountRequest();
  const request = requests.add(pending);
  expect(requests.take(request)).toBe(pending);
  expect(requests.take(request)).toBeUndefined();
  expect(requests.size).toBe(0);
});

it("all that wait fail together", async () => {
  const requests = new RequestTable(() => false);
  const waiting = [new CountRequest(), new CountRequest()];
  for (const pending of waiting) requests.add(pending);
  const reason = new RingmqError("CONNECTION_CLOSED", "gone", true);
  requests.failAll(reason);
  for (const { promise } of waiting) await expect(promise).rejects.toBe(reason);
  expect(requests.size).toBe(0);
});
