/** A node that leaves pings unanswered is dropped, and taken back when it answers again. */
import { expect, it } from "vitest";
import { ask, idsOf, openNode, refused, registration, SUCCESS, serveHttp, testRegistry } from "./nodes.js";

const POLL = { interval: 5, timeout: 20_000 };

it("drops a node that stops answering, keeps the others, and takes it back", async () => {
  const registry = await testRegistry();
  const [one, two] = [await openNode(1), await openNode(2)];
  await ask(registry, registration(one));
  await ask(registry, registration(two));
  one.answers = false;
  await expect.poll(() => idsOf(registry), POLL).toEqual([2]);
  one.answers = true;
  await expect.poll(() => idsOf(registry), POLL).toEqual([1, 2]);
});

it("drops nobody for fewer pings than it takes", async () => {
  const registry = await testRegistry({ maxMissedPings: 1_000_000 });
  const node = await openNode(1);
  await ask(registry, registration(node));
  node.answers = false;
  const before = node.requests.length;
  await expect.poll(() => node.requests.length, POLL).toBeGreaterThan(before + 5);
  expect(await idsOf(registry)).toEqual([1]);
});

it("forgets a dropped node that unregisters", async () => {
  const registry = await testRegistry();
  const [one, two] = [await openNode(1), await openNode(2)];
  await ask(registry, registration(one));
  await ask(registry, registration(two));
  one.answers = false;
  await expect.poll(() => idsOf(registry), POLL).toEqual([2]);
  expect(await ask(registry, `/unregister?tcp_addr=${one.tcpAddress}`)).toBe(SUCCESS);
  one.answers = true;
  const [pings, others] = [one.requests.length, two.requests.length];
  await expect.poll(() => two.requests.length, POLL).toBeGreaterThan(others + 5);
  // One may have been under way.
  expect(one.requests.length).toBeLessThanOrEqual(pings + 1);
  expect(await idsOf(registry)).toEqual([2]);
});

it("forgets a dropped node in whose place another one registers", async () => {
  const registry = await testRegistry();
  const [one, other] = [await openNode(1), await openNode(1)];
  await ask(registry, registration(one));
  expect(await ask(registry, registration(other))).toBe(refused("node.Id 1 has exist"));
  one.answers = false;
  await expect.poll(() => ask(registry, registration(other)), POLL).toBe(SUCCESS);
  one.answers = true;
  const before = other.requests.length;
  await expect.poll(() => other.requests.length, POLL).toBeGreaterThan(before + 5);
  expect(await ask(registry, "/getNodes")).toContain(other.tcpAddress);
  expect(await ask(registry, "/getNodes")).not.toContain(one.tcpAddress);
});

it("closes at once while a ping is not answered", async () => {
  const registry = await testRegistry({ pingTimeout: 1_000_000 });
  let isMute = false;
  let isAsked = false;
  const httpAddress = await serveHttp((_, response) => {
    if (isMute) isAsked = true;
    else response.end("OK");
  });
  await ask(registry, registration({ ...(await openNode(1)), httpAddress }));
  isMute = true;
  await expect.poll(() => isAsked, POLL).toBe(true);
  await registry.close();
});

it("forgets a dropped node after a while", async () => {
  const registry = await testRegistry({ dropMemory: 1 });
  const node = await openNode(1);
  await ask(registry, registration(node));
  node.answers = false;
  await expect.poll(() => idsOf(registry), POLL).toEqual([]);
  await expect
    .poll(() => ask(registry, `/unregister?tcp_addr=${node.tcpAddress}`), POLL)
    .toBe(refused("addr is not exist"));
});
