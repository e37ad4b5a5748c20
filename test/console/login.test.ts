/** The console of a broker that has users: who is let in, as whom, and for how long. */
import type { UserOptions } from "ringmq";
import { expect, it } from "vitest";
import { hashOf } from "../../src/main/access/token-hash.js";
import { testBroker } from "./brokers.js";
import { openConsole, useBrowser } from "./browser.js";

useBrowser();

const TOKEN = "ringmq_token-of-somebody";

const userOf = (name: string, token: string, ...permissions: UserOptions["permissions"]): UserOptions => ({
  name,
  tokens: [{ hash: hashOf(token) }],
  permissions,
});

const users: readonly UserOptions[] = [
  userOf("ops", TOKEN, { topics: "*", allow: ["publish", "consume", "manage", "operate"] }),
  userOf("reader", `${TOKEN}-else`, { topics: "other.*", allow: ["consume"] }),
];

/** What a browser says of answers such as 401, and of a server that is away. */
const mayLog = /Failed to load resource|net::ERR_|WebSocket connection/;

it("asks for a token, refuses a wrong one, and lets go again", async () => {
  const { http } = await testBroker({ users });
  const page = await openConsole(http, "#/connections", { mayLog });
  const token = page.getByLabel("Token");
  const logIn = page.getByRole("button", { name: "Log in" });
  await token.fill("ringmq_wrong");
  await logIn.click();
  await expect.poll(() => page.getByRole("alert").textContent()).toMatch(/^UNAUTHORIZED /);
  await expect(page.locator("nav").count()).resolves.toBe(0);
  await token.fill(TOKEN);
  await logIn.click();
  // The place that was asked for.
  await page.locator("tbody tr", { hasText: "console" }).waitFor();
  await expect(page.locator(".reader").textContent()).resolves.toContain("ops");
  // No script of the page can read what it is known by.
  expect(await page.evaluate(() => document.cookie)).toBe("");
  expect(await page.evaluate(() => JSON.stringify(localStorage))).not.toContain(TOKEN);
  await page.reload();
  await page.locator("tbody tr", { hasText: "console" }).waitFor();
  await page.getByRole("button", { name: "Log out" }).click();
  await token.waitFor();
  expect(await page.getByRole("status").count()).toBe(0);
  await page.reload();
  await token.waitFor();
  // Another tab has logged in meanwhile.
  await page.evaluate(
    (shown) =>
      fetch("session", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ token: shown }),
      }),
    TOKEN,
  );
  await page.evaluate(() => window.dispatchEvent(new Event("focus")));
  await page.locator("tbody tr", { hasText: "console" }).waitFor();
});

it("shows a user who may do little why there is nothing to be seen", async () => {
  const { http } = await testBroker({ users });
  const page = await openConsole(http, "#/", { mayLog });
  await page.getByLabel("Token").fill(`${TOKEN}-else`);
  await page.keyboard.press("Enter");
  await expect.poll(() => page.getByRole("alert").first().textContent()).toMatch(/^FORBIDDEN .*operate/);
  await page.getByRole("link", { name: "Connections" }).click();
  await expect.poll(() => page.getByRole("alert").first().textContent()).toMatch(/^FORBIDDEN .*operate/);
});

it("asks for the token again when the broker was started again", async () => {
  const broker = await testBroker({ users });
  const page = await openConsole(broker.http, "#/connections", { mayLog });
  const logIn = async (): Promise<void> => {
    await page.getByLabel("Token").fill(TOKEN);
    await page.keyboard.press("Enter");
    await page.locator("tbody tr", { hasText: "console" }).waitFor();
  };
  await logIn();
  await broker.close();
  await testBroker({ users }, broker);
  await page.getByText("Your login has ended.").waitFor();
  await logIn();
});
