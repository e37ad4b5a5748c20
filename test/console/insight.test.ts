/** Pages that tell why: dead letters, what is in the way, the history of a message; and channels as they are published to. */
import type { Page } from "playwright-core";
import type { Client } from "ringmq/client";
import { beforeAll, expect, it, onTestFinished } from "vitest";
import { type ConsoleBroker, clientOf, openBroker } from "./brokers.js";
import { openConsole, useBrowser } from "./browser.js";

let broker: ConsoleBroker;
useBrowser();
beforeAll(async () => {
  broker = await openBroker({ durability: "write" });
  return broker.close;
});

/** Names and bodies that somebody has chosen to do harm. */
const EVIL = '<img src=x onerror="window.hacked=1">\u202eexe.';
const EVIL_SHOWN = '<img src=x onerror="window.hacked=1">\\u202eexe.';

const bury = async (client: Client, topic: string, reasons: readonly string[]): Promise<void> => {
  await client.publishBatch(topic, reasons, { headers: { [EVIL]: EVIL } });
  const messages = await client.pop(topic, { max: reasons.length });
  await Promise.all(messages.map((message) => message.nack({ retry: false, reason: message.text() })));
};

const table = (page: Page, name: string) => page.getByRole("table", { name, exact: true });
const rows = (page: Page, name: string, text = "") => table(page, name).locator("tbody tr", { hasText: text });
const button = (page: Page, name: string | RegExp) => page.getByRole("button", { name });
/** The dialog that is open. */
const dialog = (page: Page) => page.getByRole("dialog");

it("shows dead letters by what they died of, and re-drives, edits and purges them", async () => {
  const topic = `dead ${EVIL}`;
  const client = await clientOf(broker, EVIL);
  await bury(client, topic, ["declined", "declined", "declined", "no iban", EVIL]);
  const counts = async (): Promise<readonly (number | undefined)[]> => {
    const [queue] = (await client.stats(topic)).queues;
    return [queue?.deadLetters, queue?.ready];
  };
  const page = await openConsole(broker.http, `#/topics/${encodeURIComponent(topic)}/dead`);
  await expect.poll(() => rows(page, "By what they died of").count()).toBe(3);
  await expect(rows(page, "By what they died of").first().textContent()).resolves.toContain(EVIL_SHOWN);
  await expect(page.locator("main img").count()).resolves.toBe(0);

  // A group: what would be done, and what is done.
  await button(page, "declined").click();
  await expect.poll(() => rows(page, "Messages").count()).toBe(3);
  await button(page, "Re-drive the group…").click();
  await button(page, "Dry run").click();
  await page.getByText("3 would be re-driven. Nothing was changed.").waitFor();
  expect(await counts()).toEqual([5, 0]);
  await page.getByLabel("Messages a second").fill("1000");
  await dialog(page).getByRole("button", { name: "Re-drive", exact: true }).click();
  await page.getByText("3 re-driven.").waitFor();
  expect(await counts()).toEqual([2, 3]);
  await dialog(page).getByText("Close", { exact: true }).click();

  // One: what has happened to it, and another body.
  await expect.poll(() => rows(page, "Messages").count()).toBe(2);
  await rows(page, "Messages", "no iban").getByRole("button", { name: "Open" }).click();
  await expect(dialog(page).locator(".failures").textContent()).resolves.toContain(`rejected${EVIL_SHOWN}`);
  await expect(dialog(page).locator(".headers dd").textContent()).resolves.toBe(EVIL_SHOWN);
  await button(page, "Edit…").click();
  await page.getByLabel("Body").fill('{"iban":1}');
  await button(page, "Publish, then purge the old one").click();
  await page.getByText("The old one is gone.").waitFor();
  expect((await client.browse(topic, { max: 10 })).map((message) => message.text())).toContain('{"iban":1}');
  expect(await counts()).toEqual([1, 4]);
  await page.keyboard.press("Escape");

  // All of them, when the name has been typed.
  await button(page, "Purge all…").click();
  await expect(dialog(page).getByRole("button", { name: "Purge", exact: true }).isDisabled()).resolves.toBe(true);
  await page.getByLabel("Type the name to go on").fill(`dead ${EVIL_SHOWN}`);
  await dialog(page).getByRole("button", { name: "Purge", exact: true }).click();
  await page.getByText("No dead letters.").waitFor();
  expect(await counts()).toEqual([0, 4]);
});

it("re-drives at a rate, tells how far it is, and stops", async () => {
  const client = await clientOf(broker);
  await bury(client, "slow", ["a", "b", "c", "d"]);
  const page = await openConsole(broker.http, "#/topics/slow/dead");
  await page
    .getByLabel(/^Select \d+$/)
    .nth(3)
    .check();
  await page
    .getByLabel(/^Select \d+$/)
    .nth(1)
    .check();
  await button(page, "Re-drive 2 messages…").click();
  await page.getByLabel("Messages a second").fill("1");
  await dialog(page).getByRole("button", { name: "Re-drive", exact: true }).click();
  await page.getByText("1 of 2").waitFor();
  await button(page, "Stop").click();
  await page.getByText("Stopped. 1 re-driven.").waitFor();
  // Those that were chosen, and no others.
  const left = await client.deadLetters("slow").list();
  expect(left.map((message) => message.text())).toHaveLength(3);
  expect(left.map((message) => message.text())).toEqual(expect.arrayContaining(["a", "c"]));
});

it("explains what is in the way, and mends it", async () => {
  const client = await clientOf(broker);
  await client.publish("stuck", "x");
  await client.pause("stuck");
  const page = await openConsole(broker.http, "#/topics/stuck/explain");
  await page.getByText("The queue is paused until it is resumed; 1 message is ready").waitFor();
  await page.getByLabel("Language").selectOption("zh");
  await page.getByText("队列已暂停，恢复之前不会投递；1 条消息就绪。").waitFor();
  await page.getByLabel("Language").or(page.getByLabel("语言")).selectOption("en");
  await button(page, "Resume").click();
  await expect.poll(() => page.getByText("PAUSED").count()).toBe(0);
  expect((await client.stats("stuck")).queues[0]?.paused).toBe(false);
  await page.getByLabel("Route key").fill(EVIL);
  await button(page, "Check").click();
  await page.getByText("NO_ROUTE").waitFor();
  await page.getByRole("link", { name: "Consumers" }).first().click();
  await page.waitForURL(/#\/topics\/stuck$/);
  await page.getByText("NO_CONSUMER").waitFor();
});

it("shows what a connection takes messages from, and leads there", async () => {
  const client = await clientOf(broker, "taker");
  await client.publishBatch("taken", ["a", "b", "c"]);
  const consumer = await client.consume("taken", { prefetch: 2 });
  await consumer.next();
  const page = await openConsole(broker.http, "#/connections");
  await rows(page, "Connections", "taker").getByRole("button", { name: "1", exact: true }).click();
  const row = dialog(page).locator("tbody tr");
  await expect.poll(() => row.allTextContents()).toEqual(["takendefault20no credit"]);
  const id = (await dialog(page).getByRole("heading").textContent())?.match(/\d+/)?.[0] ?? "";
  // The same by its address; and when it is gone.
  await page.goto(`http://127.0.0.1:${broker.http}/console/#/topics`);
  await page.goto(`http://127.0.0.1:${broker.http}/console/#/connections?id=${id}`);
  await dialog(page).getByText("taker").waitFor();
  // On the page itself, from one to another.
  await page.evaluate(() => {
    location.hash = "#/connections?id=999998";
  });
  await page.getByText("This connection is not there any more.").waitFor();
  await page.goBack();
  await dialog(page).getByText("taker").waitFor();
  await row.getByRole("link", { name: "taken" }).click();
  await page.waitForURL(/#\/topics\/taken$/);
  await page.goto(`http://127.0.0.1:${broker.http}/console/#/connections?id=999999`);
  await page.getByText("This connection is not there any more.").waitFor();
});

it("finds a message by its id, and tells what has become of it", async () => {
  const client = await clientOf(broker, EVIL);
  const { id } = await client.publish("lives", EVIL, { headers: { a: 1n } });
  const [message] = await client.pop("lives");
  await message?.nack({ reason: EVIL });
  const [again] = await client.pop("lives");
  await again?.nack({ retry: false, reason: "no more" });
  const page = await openConsole(broker.http);
  await page.getByLabel("Message id").fill(id);
  await page.keyboard.press("Enter");
  await page.waitForURL(`**/#/topics/lives/messages/${id}`);
  const events = page.locator(".timeline > li");
  await expect.poll(() => events.count()).toBe(4);
  await expect(events.allTextContents()).resolves.toEqual([
    expect.stringMatching(/^Published/),
    expect.stringContaining(`Delivery failed (1)given back${EVIL_SHOWN}`),
    expect.stringMatching(/Delivery failed \(2\)rejected.*no more$/),
    expect.stringMatching(/^Deadrejected/),
  ]);
  await button(page, "Re-drive").click();
  await page.locator(".copy .tag", { hasText: "Ready" }).waitFor();
  expect((await client.lookup("lives", id))?.state).toBe("ready");
  await client.publish("lives", "later", { delay: 3_600_000 });
  const [later] = await client.browse("lives", { state: "delayed" });
  await page.goto(`http://127.0.0.1:${broker.http}/console/#/topics/lives/messages/${later?.id}`);
  await button(page, "Run now").click();
  await expect.poll(async () => (await client.lookup("lives", later?.id ?? ""))?.state).toBe("ready");
  // What is nowhere is said to be.
  await page.getByLabel("Message id").fill("12345");
  await page.keyboard.press("Enter");
  await page.getByText(/^No queue of the \d+ topics has it/).waitFor();
});

it("lists channels, shows one as it is published to, and publishes, configures and deletes it", async () => {
  const client = await clientOf(broker);
  const channel = `news ${EVIL}`;
  await client.configureChannel(channel, { keep: true });
  for (let i = 0; i < 60; i++) await client.publishToChannel(channel, `story ${i}`);
  const page = await openConsole(broker.http, "#/channels");
  await rows(page, "Channels", EVIL_SHOWN).getByRole("link").click();
  const shown = (text: string) => rows(page, "Live", text);
  await page.getByLabel("From").selectOption("50");
  await shown("story 59").waitFor();
  await expect.poll(() => page.locator("output", { hasText: "50 received" }).count()).toBe(1);
  await client.publishToChannel(channel, EVIL, { headers: { [EVIL]: EVIL } });
  await shown(EVIL_SHOWN).getByRole("button", { name: "Open" }).click();
  await expect(dialog(page).locator("pre").textContent()).resolves.toBe(EVIL_SHOWN);
  await page.keyboard.press("Escape");
  // Only what matches.
  await page.getByLabel("Search").last().fill("STORY 5");
  await expect.poll(() => shown("").count()).toBe(10);
  await page.getByLabel("Search").last().fill("");
  // What comes while it is paused is counted, and not shown.
  await button(page, "Pause").click();
  await client.publishToChannel(channel, "unseen");
  await page.locator("output", { hasText: "52 received" }).waitFor();
  await button(page, "Go on").click();
  await button(page, "Publish…").click();
  await page.getByLabel("Body").fill("by hand");
  await dialog(page).getByRole("button", { name: "Publish", exact: true }).click();
  await page.getByText("Published; subscribers at that moment: 1.").waitFor();
  await page.keyboard.press("Escape");
  await shown("by hand").waitFor();
  await expect(shown("unseen").count()).resolves.toBe(0);
  await button(page, "Configure…").click();
  await page.getByLabel(/^Kept for/).fill("2h");
  await button(page, "Save").click();
  await expect.poll(async () => (await client.channelStats(channel)).config.maxAge).toBe(7_200_000);
  await button(page, "Delete…").click();
  await page.getByLabel("Type the name to go on").fill(`news ${EVIL_SHOWN}`);
  await dialog(page).getByRole("button", { name: "Delete", exact: true }).click();
  await page.waitForURL(/#\/channels$/);
  // There is one as long as somebody is subscribed.
  const isKept = client.channelStats(channel).then(
    ({ config }) => config.keep,
    ({ code }) => code,
  );
  expect(await isKept).toBeOneOf([false, "NO_TOPIC"]);
});

it("keeps up with a channel that is faster than anybody reads", async () => {
  const client = await clientOf(broker);
  const page = await openConsole(broker.http, "#/channels/prices");
  await page.getByText("No messages yet.").waitFor();
  await expect.poll(async () => (await client.channelStats("prices")).subscribers).toBe(1);
  let next = 0;
  const publishing = setInterval(() => {
    for (let i = 0; i < 200; i++) client.publishToChannel("prices", `price ${next++}`).catch(() => {});
  }, 20);
  onTestFinished(() => clearInterval(publishing));
  await page.locator("output", { hasText: /^\d{2},\d{3} received.*the last 500 are shown/ }).waitFor();
  // It answers meanwhile.
  await button(page, "Pause").click();
  await page.getByText("Paused: messages are counted, not shown.").waitFor();
  clearInterval(publishing);
  await button(page, "Go on").click();
  await client.publishToChannel("prices", "the last one");
  await rows(page, "Live", "the last one").waitFor();
  await page.getByLabel("Newest").selectOption("false");
  await expect.poll(() => rows(page, "Live").last().textContent()).toContain("the last one");
  const drawn = await rows(page, "Live").count();
  expect(drawn).toBeLessThan(80);
});
