import { expect, it } from "vitest";
import { RingmqError } from "../../../src/client/base/error.js";
import { CountExchange } from "../../../src/client/connection/pending-request.js";
import { Requests } from "../../../src/client/connection/request-table.js";

const LAST = 0xffff_ffff;

it("requests are numbered one after another from the one behind HELLO", () => {
  const requests = new Requests(() => false);
  expect([1, 2, 3].map(() => requests.add(new CountExchange()))).toEqual([2, 3, 4]);
});

it("numbers begin again after the last, and pass over those that are still in use", () => {
  const requests = new Requests((request) => request === 2, LAST - 1);
  const waiting = new CountExchange();
  expect(requests.add(waiting)).toBe(LAST);
  // 0 is no request; 2 is a consumer's.
  expect(requests.add(new CountExchange())).toBe(1);
  expect(requests.add(new CountExchange())).toBe(3);
  expect(requests.take(LAST)).toBe(waiting);
});

it("an answer is given once", () => {
  const requests = new Requests(() => false);
  const exchange = new CountExchange();
  const request = requests.add(exchange);
  expect(requests.take(request)).toBe(exchange);
  expect(requests.take(request)).toBeUndefined();
  expect(requests.size).toBe(0);
});

it("all that wait fail together", async () => {
  const requests = new Requests(() => false);
  const exchanges = [new CountExchange(), new CountExchange()];
  for (const exchange of exchanges) requests.add(exchange);
  const reason = new RingmqError("CONNECTION_CLOSED", "gone", true);
  requests.failAll(reason);
  for (const { promise } of exchanges) await expect(promise).rejects.toBe(reason);
  expect(requests.size).toBe(0);
});
