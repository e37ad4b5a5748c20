/** The pages of topics: their list, and one of them with its queues, its consumers and its settings. */
import type { Page } from "playwright-core";
import { beforeAll, expect, it } from "vitest";
import { hashOf } from "../../src/main/access/token-hash.js";
import { type ConsoleBroker, clientOf, openBroker, testBroker } from "./brokers.js";
import { openConsole, useBrowser } from "./browser.js";

let shared: ConsoleBroker;
useBrowser();
beforeAll(async () => {
  shared = await openBroker();
  return shared.close;
});

const HOSTILE = '<img src=x onerror="window.hacked=1">\u202e/?#&%2F';

const row = (page: Page, text: string) => page.locator("tbody tr", { hasText: text });

/** The button of the dialog that does it. */
const deed = (page: Page, name: string) => page.getByRole("dialog").getByRole("button", { name, exact: true });

it("keeps its place and the focus while it learns of what is there, and of topics that are new", async () => {
  const client = await clientOf(shared);
  const names = Array.from({ length: 300 }, (_, i) => `place-${String(i).padStart(3, "0")}`);
  await Promise.all(names.map((name) => client.declareQueue(name, "")));
  const page = await openConsole(shared.http, "#/topics");
  await page.getByLabel("Search", { exact: true }).fill("place-");
  await expect.poll(() => page.locator(".tools output").first().textContent()).toMatch(/^300( |$)/);
  await row(page, "place-000").focus();
  for (let i = 0; i < 4; i++) await page.keyboard.press("PageDown");
  const focused = () => page.evaluate(() => document.activeElement?.querySelector("a")?.textContent ?? "");
  const before = await focused();
  expect(before).toMatch(/^place-0[3-9]/);
  const height = () =>
    page.evaluate(() => Math.round(document.activeElement?.getBoundingClientRect().top ?? Number.NaN));
  const at = await height();
  // What is in sight is asked for each second.
  await client.publishBatch(before, ["a", "b", "c"]);
  await expect.poll(() => row(page, before).locator("td").nth(1).textContent()).toBe("3");
  expect([await focused(), await height()]).toEqual([before, at]);
  // A list with topics above those in sight.
  await client.declareQueue("place-000a", "");
  await client.declareQueue("place-000b", "");
  await expect
    .poll(() => page.locator(".tools output").first().textContent(), { timeout: 20_000 })
    .toMatch(/^302( |$)/);
  expect([await focused(), await height()]).toEqual([before, at]);
  await page.keyboard.press("ArrowDown");
  await expect.poll(focused).toBe(names[names.indexOf(before) + 1]);
  await page.getByRole("button", { name: "Ready" }).click();
  await expect.poll(() => page.locator("tbody tr a").first().textContent()).toBe(before);
});

it("makes a topic, and shows one whatever it is called", async () => {
  const client = await clientOf(shared);
  const page = await openConsole(shared.http, "#/topics");
  await page.getByRole("button", { name: "New topic" }).click();
  await page.getByLabel("Name").fill(HOSTILE);
  await deed(page, "Create").click();
  await page.getByRole("heading", { level: 1 }).getByText("<img src=x").waitFor();
  await expect(page.locator("main img").count()).resolves.toBe(0);
  expect((await client.stats(HOSTILE)).queues.map(({ bindKey }) => bindKey)).toEqual(["default"]);
  await page.getByRole("button", { name: "Delete topic…" }).click();
  const sure = page.getByLabel("Type the name to go on");
  await sure.fill("something else");
  await expect(deed(page, "Delete").isDisabled()).resolves.toBe(true);
  await sure.fill(HOSTILE);
  await deed(page, "Delete").click();
  await expect.poll(() => page.title()).toBe("Topics · ringmq");
  await expect(client.stats(HOSTILE)).rejects.toMatchObject({ code: "NO_TOPIC" });
});

it("saves the settings that were changed and no others, and shows why the broker refuses", async () => {
  const client = await clientOf(shared);
  await client.configure("settings", { retries: 3 });
  const page = await openConsole(shared.http, "#/topics/settings");
  const form = page.locator("form.settings");
  await form.getByLabel("TTR").fill("0");
  await form.getByLabel("Auto-ack").check();
  await form.getByText("2 changes").waitFor();
  await form.getByRole("button", { name: "Save" }).click();
  await expect.poll(() => form.getByRole("alert").textContent()).toMatch(/^BAD_CONFIG /);
  expect((await client.stats("settings")).config).toMatchObject({ autoAck: false, ttr: 60_000 });
  // Somebody else changes what is not changed here.
  await client.configure("settings", { retries: 7 });
  await form.getByRole("button", { name: "Undo" }).first().click();
  await form.getByLabel("TTR").fill("1m 30s");
  await form.getByLabel("When a queue is full").selectOption("drop-oldest");
  await form.getByRole("button", { name: "Save" }).click();
  await form.getByText("Saved.").waitFor();
  expect((await client.stats("settings")).config).toMatchObject({
    autoAck: false,
    ttr: 90_000,
    retries: 7,
    overflow: "drop-oldest",
  });
  await expect(form.getByLabel("Retries").inputValue()).resolves.toBe("7");
  await form.getByLabel("Retries").fill("many");
  await form.getByText("From 0 to 65,534").waitFor();
  await expect(form.getByRole("button", { name: "Save" }).isDisabled()).resolves.toBe(true);
});

it("declares, pauses, purges and deletes queues", async () => {
  const client = await clientOf(shared);
  await client.declareQueue("depot", "north");
  await client.publishBatch("depot", ["a", "b", "c"], { routeKey: "north" });
  const [message] = await client.pop("depot", { queue: "north" });
  await message?.nack({ retry: false });
  const page = await openConsole(shared.http, "#/topics/depot");
  await page.getByRole("button", { name: "Declare queue" }).click();
  await page.getByLabel("Bind key").fill("north");
  await deed(page, "Declare queue").click();
  await expect.poll(() => page.getByRole("dialog").getByRole("alert").textContent()).toMatch(/^QUEUE_EXISTS /);
  await page.getByLabel("Bind key").fill("south");
  await deed(page, "Declare queue").click();
  await row(page, "south").waitFor();
  const north = row(page, "north");
  await north.getByRole("button", { name: "Pause" }).click();
  await north.getByText("paused").waitFor();
  expect(await client.pop("depot", { queue: "north" })).toEqual([]);
  await north.getByRole("button", { name: "Resume" }).click();
  await expect.poll(() => north.getByText("paused").count()).toBe(0);
  await north.getByRole("button", { name: "Manage" }).click();
  await deed(page, "Purge…").click();
  await page.getByLabel("Messages that are dropped").selectOption({ label: "Dead letters (1)" });
  await page.getByLabel("Type the name to go on").fill("north");
  await deed(page, "Purge").click();
  await expect.poll(async () => (await client.stats("depot")).queues[0]).toMatchObject({ ready: 2, deadLetters: 0 });
  await row(page, "south").getByRole("button", { name: "Manage" }).click();
  await deed(page, "Delete…").click();
  await page.getByLabel("Type the name to go on").fill("south");
  await deed(page, "Delete").click();
  await expect.poll(() => row(page, "south").count()).toBe(0);
});

it("shows who consumes, with credit and what they hold", async () => {
  const client = await clientOf(shared, "<b>worker</b>");
  await client.publishBatch("shop", ["a", "b", "c"]);
  const consumer = await client.consume("shop", { prefetch: 2 });
  const page = await openConsole(shared.http, "#/topics/shop");
  const worker = row(page, "<b>worker</b>");
  await expect.poll(() => worker.locator("td").nth(4).textContent()).toBe("2");
  await worker.getByText("no credit").waitFor();
  await consumer.stop();
});

it("shows a user what the permissions allow, and says who may see the consumers", async () => {
  const token = "ringmq_token-of-a-keeper";
  const user = {
    name: "keeper",
    tokens: [{ hash: hashOf(token) }],
    permissions: [{ topics: "mine.*", allow: ["consume", "manage"] as const }],
  };
  const { http } = await testBroker({ users: [user] });
  const page = await openConsole(http, "#/topics", { mayLog: /Failed to load resource/ });
  await page.getByLabel("Token").fill(token);
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "New topic" }).click();
  await page.getByLabel("Name").fill("yours");
  await deed(page, "Create").click();
  await expect.poll(() => page.getByRole("dialog").getByRole("alert").textContent()).toMatch(/^FORBIDDEN /);
  await page.getByLabel("Name").fill("mine.orders");
  await deed(page, "Create").click();
  await page.getByText("Who consumes is shown to those who have the permission operate.").waitFor();
  await row(page, "default").waitFor();
});
