/** Lists of the console: what is in them, whatever it is called and however much it is, and how they are walked through. */
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

const row = (page: Page, text: string) => page.locator("tbody tr", { hasText: text });

it("lists connections whatever they call themselves, finds them, and closes one", async () => {
  const names = ["<img src=x onerror=window.hacked=1>", "\u202egnp.exe", "发货服务", "billing"];
  for (const name of names) await clientOf(shared, name);
  const page = await openConsole(shared.http, "#/connections");
  await row(page, "billing").waitFor();
  await expect(row(page, "<img src=x").count()).resolves.toBe(1);
  await expect(row(page, "\\u202egnp.exe").count()).resolves.toBe(1);
  await expect(page.locator("main img").count()).resolves.toBe(0);
  // `/` goes to the search from anywhere.
  await page.keyboard.press("/");
  await page.keyboard.type("BILL");
  await expect.poll(() => page.locator("tbody tr").count()).toBe(1);
  await row(page, "billing").getByRole("button", { name: "Close" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  // Esc leaves things as they are.
  await page.keyboard.press("Escape");
  await expect.poll(() => dialog.count()).toBe(0);
  const id = await row(page, "billing").locator("td").first().textContent();
  await row(page, "billing").getByRole("button", { name: "Close" }).click();
  await dialog.getByRole("button", { name: "Close", exact: true }).last().click();
  await expect.poll(() => dialog.count()).toBe(0);
  // Its program connects again.
  await expect.poll(() => row(page, "billing").locator("td").first().textContent()).not.toBe(id);
});

it("has a page for a topic of any name, and shows a body as what it is", async () => {
  const client = await clientOf(shared);
  const names = ["<img src=x onerror=window.hacked=1>", "a/b?c=d&e#f%2F%", "..", "\u202egnp.exe", "x".repeat(255)];
  for (const name of names) await client.publish(name, "<script>window.hacked=1</script>");
  const page = await openConsole(shared.http, "#/topics");
  for (const name of names) {
    await page.goto(`${page.url().split("#")[0]}#/topics/${encodeURIComponent(name)}`);
    const shown = name.replace("\u202e", "\\u202e");
    await expect.poll(() => page.title()).toBe(`${shown} · ringmq`);
    await expect.poll(() => page.locator("h1 bdi").last().textContent()).toBe(shown);
    await expect(page.locator("main img, main script").count()).resolves.toBe(0);
  }
});

it("is reached by the keyboard: rows, columns, pages", async () => {
  for (let i = 0; i < 30; i++) await clientOf(shared, `worker-${String(i).padStart(2, "0")}`);
  const page = await openConsole(shared.http, "#/connections", { viewport: { width: 1000, height: 400 } });
  await page.getByLabel("Search", { exact: true }).fill("worker-");
  const focused = () => page.evaluate(() => document.activeElement?.querySelectorAll("td")[1]?.textContent ?? "");
  await page.getByRole("button", { name: "Client" }).focus();
  await page.keyboard.press("Enter");
  await expect.poll(() => page.locator("th[aria-sort=ascending]").textContent()).toBe("Client");
  await page.locator("tbody tr").first().focus();
  expect(await focused()).toBe("worker-00");
  await page.keyboard.press("ArrowDown");
  await expect.poll(focused).toBe("worker-01");
  await page.keyboard.press("End");
  await expect.poll(focused).toBe("worker-29");
  await page.keyboard.press("PageUp");
  await page.keyboard.press("Home");
  await expect.poll(focused).toBe("worker-00");
  await page.getByRole("link", { name: "Overview" }).focus();
  await page.keyboard.press("Enter");
  await expect.poll(() => page.title()).toBe("Overview · ringmq");
});

it("is found again as it was left, with the focus where the page is", async () => {
  const client = await clientOf(shared);
  for (const topic of ["left-1", "left-2"]) await client.publish(topic, "x");
  const page = await openConsole(shared.http, "#/topics", { viewport: { width: 1280, height: 500 } });
  const search = page.getByLabel("Search", { exact: true });
  await search.fill("left-");
  await page.getByRole("button", { name: "Ready" }).click();
  await page.locator("tbody tr", { hasText: "left-2" }).focus();
  await page.keyboard.press("Enter");
  await expect.poll(() => page.title()).toBe("left-2 · ringmq");
  await expect.poll(() => page.evaluate(() => document.activeElement?.localName)).toBe("main");
  // Another page begins at its top.
  await page.getByRole("button", { name: "Save" }).scrollIntoViewIfNeeded();
  await page.evaluate(() => document.querySelector("main")?.scrollTo(0, 10_000));
  await page.goBack();
  await expect.poll(() => page.locator("tbody tr").count()).toBe(2);
  await expect(search.inputValue()).resolves.toBe("left-");
  await expect(page.locator("th[aria-sort=descending]").textContent()).resolves.toBe("Ready");
  expect(await page.evaluate(() => document.querySelector("main")?.scrollTop)).toBe(0);
  // Who comes by a link begins anew.
  await page.getByRole("link", { name: "Overview" }).click();
  await page.getByRole("link", { name: "Topics" }).click();
  await search.waitFor();
  await expect(search.inputValue()).resolves.toBe("");
});

it("draws the rows that are to be seen, of however many", async () => {
  const client = await clientOf(shared);
  const topics = Array.from({ length: 10_000 }, (_, i) => `many-${i}`);
  await Promise.all(topics.map((topic) => client.publish(topic, "x")));
  const page = await openConsole(shared.http, "#/topics");
  const search = page.getByLabel("Search", { exact: true });
  await search.fill("many-");
  await expect.poll(() => page.locator(".tools output").first().textContent()).toMatch(/^10,000( |$)/);
  expect(await page.locator("tbody tr").count()).toBeLessThan(100);
  await page.locator("tbody tr[tabindex='0']").focus();
  // As fast as they can be pressed: none is lost.
  for (let i = 0; i < 20; i++) await page.keyboard.press("PageDown");
  const at = await page.evaluate(() => Number(document.activeElement?.getAttribute("aria-rowindex")));
  for (let i = 0; i < 20; i++) await page.keyboard.press("PageUp");
  expect(await page.evaluate(() => Number(document.activeElement?.getAttribute("aria-rowindex")))).toBe(2);
  expect(at).toBeGreaterThan(20 * 10);
  await page.keyboard.press("End");
  await row(page, "many-9999").waitFor();
  expect(await page.locator("tbody tr").count()).toBeLessThan(100);
  await search.fill("many-77");
  await expect.poll(() => page.locator(".tools output").first().textContent()).toMatch(/^111 of /);
});
