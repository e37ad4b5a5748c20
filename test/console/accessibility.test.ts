/** Every page of the console, light and dark, by the rules of WCAG 2.1 AA that a program can check: contrast, labels, roles, order. */
import axe from "axe-core";
import { expect, it } from "vitest";
import { clientOf, testBroker } from "./brokers.js";
import { openConsole, useBrowser } from "./browser.js";

useBrowser();

/** Of a page in the other theme its colours alone can be wrong. */
const RULES = {
  light: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
  dark: ["color-contrast"],
};

/** What is there when a page has what it shows. */
const PLACES = {
  "#/": "dl.tiles",
  "#/topics": "tbody tr",
  "#/topics/orders": "tbody tr",
  "#/topics/orders/messages": "tbody tr",
  "#/topics/orders/dead": "tbody tr",
  "#/topics/orders/explain": "main code",
  "#/channels": "tbody tr",
  "#/channels/news": "main table",
  "#/connections": "tbody tr",
};

it("can be read and used by everybody", async () => {
  const broker = await testBroker();
  const client = await clientOf(broker);
  await client.publishBatch("orders", ['{"id":1}', "text", new Uint8Array([0, 255])]);
  const [message] = await client.pop("orders");
  await message?.nack({ retry: false, reason: new Error("no such customer") });
  await client.configureChannel("news", { keep: true });
  const page = await openConsole(broker.http);
  await page.evaluate(axe.source);
  for (const [hash, place] of Object.entries(PLACES)) {
    await page.evaluate((next) => {
      location.hash = next;
    }, hash);
    await page.locator(place).first().waitFor();
    for (const [theme, rules] of Object.entries(RULES)) {
      await page.getByLabel("Theme").selectOption(theme);
      const { violations } = await page.evaluate((runOnly) => window.axe.run(document, { runOnly }), rules);
      const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
      expect(told, `${hash}, ${theme}`).toEqual([]);
    }
  }
});
