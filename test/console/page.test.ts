/** The page of the console: what it shows of a broker, what it does to it, and that it goes on when the broker was away. */
import type { Page } from "playwright-core";
import { beforeAll, expect, it, onTestFinished } from "vitest";
import { type ConsoleBroker, clientOf, openBroker, testBroker } from "./brokers.js";
import { openConsole, useBrowser } from "./browser.js";

let shared: ConsoleBroker;
useBrowser();
beforeAll(async () => {
  shared = await openBroker();
  return shared.close;
});

/** What a tile of the overview says. */
const tile = (page: Page, label: string) =>
  page.locator("dl.tiles > div", { has: page.getByText(label, { exact: true }) }).locator("dd");

const row = (page: Page, text: string) => page.locator("tbody tr", { hasText: text });

it("shows how the broker does, and its charts move under load", async () => {
  const client = await clientOf(shared);
  await client.publishBatch("waiting", ["one", "two", "three"]);
  const page = await openConsole(shared.http, "#/", { viewport: { width: 1280, height: 500 } });
  await expect.poll(() => tile(page, "Ready").textContent()).toBe("3");
  // Low as the page is, all of each is to be seen.
  expect(await page.locator("dl.tiles").evaluate((tiles) => tiles.scrollHeight - tiles.clientHeight)).toBe(0);
  const painted = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);
  console.log(`first paint after ${Math.round(painted ?? Number.NaN)} ms`);
  await page.getByRole("button", { name: "1 min" }).click();
  const chart = page.locator("figure", { hasText: "Messages a second" });
  const picture = () => chart.locator("canvas").evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL());
  const before = await picture();
  const load = setInterval(
    () => void client.publishBatch("load", Array.from({ length: 50 }, String)).catch(() => {}),
    50,
  );
  onTestFinished(() => clearInterval(load));
  await expect.poll(() => tile(page, "In /s").textContent(), { timeout: 10_000 }).toMatch(/^[\d,.]{3,}/);
  await expect.poll(() => chart.locator("dd").first().textContent()).toMatch(/^[\d,.]{3,}/);
  await expect.poll(picture).not.toBe(before);
  await expect(row(page, "up").count()).resolves.toBe(2);
});

it("shows the whole broker on a page that is low or narrow", async () => {
  const page = await openConsole(shared.http, "#/", { viewport: { width: 1280, height: 500 } });
  for (const width of [1280, 768, 375]) {
    await page.setViewportSize({ width, height: 500 });
    await tile(page, "Disk free").waitFor();
    const lacking = await page.locator("dl.tiles").evaluate((tiles) => tiles.scrollHeight - tiles.clientHeight);
    expect(lacking, `${width}`).toBe(0);
  }
  await page.setViewportSize({ width: 1280, height: 500 });
  await page.locator("th", { hasText: "Journal" }).waitFor();
});

it("has two languages and two themes: those of the browser, or those that were chosen", async () => {
  const page = await openConsole(shared.http, "#/connections", { locale: "zh-CN", colorScheme: "dark" });
  await page.getByRole("heading", { name: "连接" }).waitFor();
  const ground = () =>
    page.evaluate(() => getComputedStyle(document.body.parentElement ?? document.body).backgroundColor);
  const dark = await ground();
  await page.getByLabel("外观").selectOption("light");
  expect(await ground()).not.toBe(dark);
  await page.getByLabel("语言").selectOption("en");
  await page.getByRole("heading", { name: "Connections" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Connections" }).waitFor();
  expect(await ground()).not.toBe(dark);
  expect(await page.evaluate(() => document.documentElement.lang)).toBe("en");
});

it("says that a page could not be loaded, and tries again", async () => {
  const page = await openConsole(shared.http, "#/", { mayLog: /net::ERR_FAILED/ });
  await page.route(/connections-page/, (route) => route.abort());
  await page.getByRole("link", { name: "Connections" }).first().click();
  await page.getByText("could not be loaded").waitFor();
  await page.unroute(/connections-page/);
  await page.getByRole("link", { name: "Overview" }).click();
  await page.getByRole("link", { name: "Connections" }).first().click();
  await row(page, "console").waitFor();
});

it("fits a telephone, however long names are", async () => {
  const client = await clientOf(shared);
  const name = "x".repeat(255);
  await client.publish(name, name);
  await client.pop(name).then(([message]) => message?.nack({ retry: false, reason: name }));
  await client.configureChannel(name, { keep: true });
  const page = await openConsole(shared.http, "#/", { viewport: { width: 375, height: 700 } });
  const of = (kind: string, ...rest: readonly string[]): string => ["#", kind, name, ...rest].join("/");
  const topic = [of("topics"), ...["messages", "dead", "explain"].map((each) => of("topics", each))];
  for (const hash of ["#/", "#/topics", ...topic, "#/channels", of("channels"), "#/connections"]) {
    await page.evaluate((next) => {
      location.hash = next;
    }, hash);
    await page.locator("main h1").waitFor();
    await page.locator("main .loading").waitFor({ state: "detached" });
    expect(await page.evaluate(() => document.documentElement.scrollWidth), hash).toBe(375);
  }
});

it("says so while the broker is away, and goes on when it is back", async () => {
  const broker = await testBroker();
  const page = await openConsole(broker.http, "#/connections", {
    mayLog: /net::ERR_|WebSocket connection|status of 404/,
  });
  await row(page, "console").waitFor();
  await page.evaluate(() => {
    window.mark = "kept";
  });
  await broker.close();
  const banner = page.getByRole("status").filter({ hasText: "The connection to the broker was lost" });
  await banner.waitFor();
  // What was not loaded before is, when the broker is back.
  await page.getByRole("link", { name: "Channels" }).click();
  await page.getByText("loaded when the server is back").waitFor();
  // Another version has come up in its place.
  await page.route("**/console/session", async (route) => {
    const answer = await route.fetch().catch(() => undefined);
    if (answer === undefined) return route.abort();
    return route.fulfill({ json: { ...(await answer.json()), version: "99.0.0" } });
  });
  await clientOf(await testBroker({}, broker), "afterwards");
  await page.getByRole("heading", { name: "Channels" }).waitFor();
  await expect.poll(() => banner.count()).toBe(0);
  expect(await page.evaluate(() => window.mark)).toBe("kept");
  await page.getByText("The server is ringmq 99.0.0 now").waitFor();
  // Which has other files.
  await page.route(/topics-page/, (route) => route.fulfill({ status: 404 }));
  await page.getByRole("link", { name: "Topics" }).click();
  await page.getByText("no longer has this page as it was").waitFor();
  await page.getByRole("link", { name: "Connections" }).click();
  await page.getByRole("button", { name: "Reload" }).click();
  await row(page, "afterwards").waitFor();
  expect(await page.evaluate(() => window.mark)).toBeUndefined();
});
