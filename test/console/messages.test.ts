/** The page of a topic's messages: looking at them, looking one up, publishing and popping by hand. */
import type { Page } from "playwright-core";
import { beforeAll, expect, it } from "vitest";
import { type ConsoleBroker, clientOf, openBroker } from "./brokers.js";
import { openConsole, useBrowser } from "./browser.js";

let shared: ConsoleBroker;
useBrowser();
beforeAll(async () => {
  shared = await openBroker();
  return shared.close;
});

const HOSTILE = "<img src=x onerror=window.hacked=1>\u202e";

const row = (page: Page, text: string) => page.locator("tbody tr", { hasText: text });

const button = (page: Page, name: string) => page.locator("main > header").getByRole("button", { name, exact: true });

const dialog = (page: Page) => page.getByRole("dialog");

const deed = (page: Page, name: string) => dialog(page).getByRole("button", { name, exact: true });

const body = (page: Page) => dialog(page).locator(".body pre").textContent();

it("shows the messages of a queue, a page at a time, whatever is in them", async () => {
  const client = await clientOf(shared);
  await client.publish("peek", HOSTILE, { headers: { [HOSTILE]: HOSTILE, deep: { list: [1, null] } } });
  await client.publish("peek", '{"order":4711}');
  await client.publish("peek", Uint8Array.of(0, 255, 254));
  await client.publish("peek", "x".repeat(3_000_000));
  await client.publishBatch(
    "peek",
    Array.from({ length: 60 }, (_, i) => `number ${i}`),
  );
  const page = await openConsole(shared.http, "#/topics/peek/messages");
  await row(page, "<img src=x").getByRole("button").click();
  await dialog(page).getByText("\\u202e").first().waitFor();
  await dialog(page).getByText('{"list":[1,null]}').waitFor();
  expect(await body(page)).toBe("<img src=x onerror=window.hacked=1>\\u202e");
  await page.keyboard.press("Escape");
  await row(page, '{"order":4711}').getByRole("button").click();
  expect(await body(page)).toBe('{\n  "order": 4711\n}');
  await page.keyboard.press("Escape");
  await row(page, "3 B").getByRole("button").click();
  expect(await body(page)).toContain("00 ff fe");
  await page.keyboard.press("Escape");
  // One of the size of a page ends it.
  const next = page.getByRole("button", { name: "Next" });
  while (await next.isEnabled()) {
    const before = await page.locator(".pager output").textContent();
    await next.click();
    await expect.poll(() => page.locator(".pager output").textContent()).not.toBe(before);
  }
  await expect.poll(() => page.locator(".pager output").textContent()).toMatch(/– 64 of 64$/);
  await page.locator("tbody tr").last().getByRole("button").focus();
  await row(page, "number 59").waitFor();
  await expect(page.locator("main img").count()).resolves.toBe(0);
});

it("finds a message by its id and by its key, in whichever queue and state", async () => {
  const client = await clientOf(shared);
  await client.declareQueue("lookup", "eu");
  const { id } = await client.publish("lookup", "far away", { routeKey: "eu", delay: 3_600_000, key: "order-7" });
  const page = await openConsole(shared.http, "#/topics/lookup/messages");
  const wanted = page.getByLabel("Value");
  await wanted.fill(id);
  await page.keyboard.press("Enter");
  await row(page, "far away").getByText("Delayed").waitFor();
  await page.getByLabel("Look for").selectOption("Key");
  await wanted.fill("order-8");
  await page.keyboard.press("Enter");
  await page.getByText("There is no such message.").waitFor();
  await wanted.fill("order-7");
  await page.keyboard.press("Enter");
  await row(page, id).getByRole("button").click();
  await deed(page, "Run now").click();
  await expect.poll(async () => (await client.lookup("lookup", id))?.state).toBe("ready");
  await page.getByLabel("Look for").selectOption("Id");
  await wanted.fill("nothing like an id");
  await page.keyboard.press("Enter");
  await expect.poll(() => page.getByRole("alert").textContent()).toMatch(/^BAD_ARGUMENT /);
});

it("looks through a queue for a text, a header or a route key, and goes on where it has stopped", async () => {
  const client = await clientOf(shared);
  await client.publishBatch(
    "search",
    Array.from({ length: 250 }, (_, i) => `needle ${i}`),
  );
  await client.publish("search", "hay", { headers: { tenant: "acme" } });
  const [first] = await client.pop("search");
  await first?.nack({ retry: false });
  const page = await openConsole(shared.http, "#/topics/search/messages");
  await page.getByLabel("Look for").selectOption("Text in the body");
  await page.getByLabel("Value").fill("NEEDLE");
  await page.keyboard.press("Enter");
  await page.getByText("0 found among 251 messages").waitFor();
  await page.getByLabel("Ignore case").check();
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByText(/^100 found among \d+ messages .* There are more to look at\.$/).waitFor();
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByText(/^200 found among/).waitFor();
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByText(/^250 found among 251 messages .* All were looked at\.$/).waitFor();
  await page.locator("tbody tr").first().focus();
  await page.keyboard.press("End");
  await row(page, first?.id ?? "")
    .getByText("Dead")
    .waitFor();
  await page.getByLabel("Look for").selectOption("Header");
  await page.getByLabel("Name", { exact: true }).fill("tenant");
  await page.getByLabel("Value").fill("acme");
  await page.keyboard.press("Enter");
  await page.getByText(/^1 found/).waitFor();
  await row(page, "hay").waitFor();
  await page.getByRole("button", { name: "Back to the list" }).click();
  await expect.poll(() => page.locator(".pager output").textContent()).toMatch(/ of 250$/);
});

it("puts off, lets run and cancels what is delayed", async () => {
  const client = await clientOf(shared);
  const ids = (await client.publishBatch("later", ["one", "two", "three"], { delay: 3_600_000 })).ids;
  const page = await openConsole(shared.http, "#/topics/later/messages?state=delayed");
  const chart = page.locator("figure", { hasText: "When they are due" });
  await chart.locator(".u-over").hover();
  await expect.poll(() => chart.locator("figcaption").textContent()).toMatch(/ \d\d:\d\d:\d\d – \d\d:\d\d:\d\d: [03]$/);
  await row(page, "one").getByRole("button").click();
  await deed(page, "Cancel the message").click();
  await expect.poll(() => row(page, "one").count()).toBe(0);
  await row(page, "two").getByRole("button").click();
  await dialog(page).getByLabel("Delay from now").fill("2h");
  await deed(page, "Reschedule").click();
  await expect.poll(() => dialog(page).count()).toBe(0);
  expect((await client.lookup("later", ids[1] ?? ""))?.time).toBeGreaterThan(Date.now() + 7_000_000);
  await row(page, "three").getByRole("button").click();
  // Somebody else was faster.
  await client.cancel("later", ids[2] ?? "");
  await deed(page, "Run now").click();
  await expect.poll(() => dialog(page).getByRole("alert").textContent()).toMatch(/^UNKNOWN_MESSAGE /);
});

it("publishes what was typed", async () => {
  const client = await clientOf(shared);
  await client.declareQueue("typed", "eu");
  const page = await openConsole(shared.http, "#/topics/typed/messages");
  await button(page, "Publish").click();
  await deed(page, "JSON").click();
  await dialog(page).getByRole("textbox", { name: "Body" }).fill('{"a":');
  await dialog(page).getByText("This is not JSON.").waitFor();
  await expect(deed(page, "Publish").isDisabled()).resolves.toBe(true);
  await dialog(page).getByRole("textbox", { name: "Body" }).fill('{"a": 1}');
  await dialog(page).getByLabel("Route key").fill("eu");
  await dialog(page).getByLabel("Headers").fill('{"tenant": "acme"}');
  await dialog(page).getByLabel("Key", { exact: true }).fill("k");
  await dialog(page).getByLabel("Delay").fill("1h");
  await deed(page, "Publish").click();
  await dialog(page)
    .getByText(/^Published as \d+\.$/)
    .waitFor();
  const shown = await client.browse("typed", { queue: "eu", state: "delayed" });
  expect(shown.map((message) => [message.text(), message.headers])).toEqual([['{"a": 1}', { tenant: "acme" }]]);
  await deed(page, "Publish").click();
  await dialog(page)
    .getByText(/^Not published: message \d+ has this key\.$/)
    .waitFor();
  await dialog(page).getByLabel("Key", { exact: true }).fill("");
  await dialog(page).getByLabel("Route key").fill("nowhere");
  await deed(page, "Publish").click();
  await expect.poll(() => dialog(page).getByRole("alert").textContent()).toMatch(/^NO_ROUTE /);
  await dialog(page).getByLabel("Route key").fill("");
  await dialog(page).getByLabel("Delay").fill("");
  await deed(page, "Hex").click();
  await dialog(page).getByRole("textbox", { name: "Body" }).fill("00 ff A0");
  await dialog(page).getByLabel("How many").fill("25");
  await deed(page, "Publish").click();
  await dialog(page).getByText("25 messages were published.").waitFor();
  await deed(page, "File").click();
  await dialog(page)
    .getByLabel("File", { exact: true })
    .setInputFiles({ name: "a", mimeType: "", buffer: Buffer.from("of a file") });
  await dialog(page).getByLabel("How many").fill("1");
  await deed(page, "Publish").click();
  await dialog(page)
    .getByText(/^Published as/)
    .waitFor();
  const ready = await client.browse("typed", { max: 30 });
  expect(ready.map(({ body: bytes }) => Buffer.from(bytes).toString("hex"))).toEqual([
    ...Array(25).fill("00ffa0"),
    Buffer.from("of a file").toString("hex"),
  ]);
});

it("pops by hand, settles what was popped, and gives the rest back when it is left", async () => {
  const client = await clientOf(shared);
  await client.publishBatch("hands", ["a", "b", "c", "d", "e"]);
  const page = await openConsole(shared.http, "#/topics/hands/messages");
  await button(page, "Pop").click();
  await dialog(page).getByLabel("Messages, at most").fill("4");
  await deed(page, "Pop").click();
  const held = page.locator(".held li");
  await expect.poll(() => held.count()).toBe(4);
  expect(await held.first().textContent()).toMatch(/Lease ends in (?:1 m|5\d s)/);
  await held.first().getByRole("button", { name: "Ack", exact: true }).click();
  await expect.poll(() => held.count()).toBe(3);
  await held.first().getByRole("button", { name: "Reject" }).click();
  await expect.poll(() => held.count()).toBe(2);
  await expect.poll(async () => (await client.stats("hands")).queues[0]).toMatchObject({ inFlight: 2, deadLetters: 1 });
  await page.getByRole("link", { name: "Topics" }).first().click();
  await expect.poll(async () => (await client.stats("hands")).queues[0]).toMatchObject({ ready: 3, inFlight: 0 });
  const rest = await client.browse("hands");
  expect(rest.map((message) => [message.text(), message.retry])).toEqual([
    ["c", 0],
    ["d", 0],
    ["e", 0],
  ]);
});
