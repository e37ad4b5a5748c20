/** The console of many nodes in Chromium: choosing, weighing, adding and removing nodes, with a registry and brokers. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { beforeAll, expect, it, onTestFinished } from "vitest";
import { hashOf } from "../../src/main/access/token-hash.js";
import { listRegistered } from "../../src/registry/discovery/index.js";
import { registration, testRegistry, urlOf } from "../registry/nodes.js";
import { type ConsoleBroker, clientOf, openBroker } from "./brokers.js";
import { openConsole, useBrowser } from "./browser.js";

const TOKEN = "ringmq_of-an-operator";

let first: ConsoleBroker;
let second: ConsoleBroker;
useBrowser();
beforeAll(async () => {
  [first, second] = [await openBroker({ node: 1 }), await openBroker({ node: 2 })];
  return () => Promise.all([first.close(), second.close()]);
});

const nodeOf = ({ tcp, http }: ConsoleBroker, id: number) => ({
  id,
  weight: 1,
  tcpAddress: `127.0.0.1:${tcp}`,
  httpAddress: `127.0.0.1:${http}`,
});

const PROGRAM = fileURLToPath(new URL("../../dist/cli/gweb.js", import.meta.url));

/** The port of the program's console. */
const startGweb = async (registry: string): Promise<number> => {
  const flags = ["-web_addr=127.0.0.1:0", `-register_addr=${registry}`];
  const child = spawn(process.execPath, [PROGRAM, ...flags], { stdio: ["ignore", "pipe", "ignore"] });
  onTestFinished(async () => {
    const exit = once(child, "exit");
    if (child.kill("SIGTERM")) await exit;
  });
  for await (const line of createInterface(child.stdout)) {
    const port = /127\.0\.0\.1:(\d+)\/console/.exec(line)?.[1];
    if (port !== undefined) return Number(port);
  }
  throw new Error("it has ended");
};

/** A number of all nodes together. */
const total = (page: Page, label: string) =>
  expect.poll(() => page.locator(".totals .tile", { hasText: label }).locator("dd").textContent());

const counted = (page: Page): Promise<string | null> => page.locator(".totals + p").textContent();

const row = (page: Page, text: string) => page.locator("tbody tr", { hasText: text });

it("lists nodes for whoever shows a token, weighs, adds and removes them, and shows the one that is chosen", async () => {
  const registry = await testRegistry({ tokens: [{ hash: hashOf(TOKEN) }] });
  const url = urlOf(registry);
  const listed = async () => (await listRegistered(url, { token: TOKEN })).map(({ id, weight }) => [id, weight]);
  await fetch(`${url}${registration(nodeOf(first, 1))}&access_token=${TOKEN}`);
  const port = await startGweb(urlOf(registry));
  const page = await openConsole(port, "#/nodes", { mayLog: /status of 409/ });
  await page.getByLabel("Token").fill(TOKEN);
  await page.getByRole("button", { name: "Log in" }).click();
  await expect.poll(() => row(page, "Node 1").textContent()).toContain("answers");

  const weight = page.getByLabel("Weight of node 1");
  await weight.fill("x");
  expect(await weight.getAttribute("aria-invalid")).toBe("true");
  await weight.fill("5");
  await page.keyboard.press("Enter");
  await expect.poll(listed).toEqual([[1, 5]]);

  await page.getByRole("button", { name: "Add node" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Node id").fill("1");
  await dialog.getByLabel("TCP address").fill(`127.0.0.1:${second.tcp}`);
  await dialog.getByLabel("HTTP address").fill(`127.0.0.1:${second.http}`);
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  // What the registry says against it is shown where it was asked for.
  await expect.poll(() => dialog.getByRole("alert").textContent()).toContain("node.Id 1 has exist");
  await dialog.getByLabel("Node id").fill("2");
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await row(page, "Node 2").waitFor();
  expect(await listed()).toEqual([
    [1, 5],
    [2, 1],
  ]);

  const clients = [await clientOf(first, "of-the-first"), await clientOf(second, "of-the-second")];
  await Promise.all(clients.map((client) => client.publishBatch("totals", ["1", "2", "3"])));
  await total(page, "Ready").toBe("6");
  await total(page, "Connections").toBe("4");
  await expect.poll(() => counted(page)).toBe("Nodes counted: 2 of 2.");

  // The other pages show the node that is chosen.
  await page.getByRole("link", { name: "Node 2" }).click();
  await page.getByRole("link", { name: "Connections" }).click();
  await row(page, "of-the-second").waitFor();
  await page.getByRole("link", { name: "Nodes", exact: true }).click();
  await page.getByRole("link", { name: "Node 1" }).click();
  await page.getByRole("link", { name: "Connections" }).click();
  await row(page, "console").waitFor();
  await expect(row(page, "of-the-second").count()).resolves.toBe(0);

  await page.getByRole("link", { name: "Nodes", exact: true }).click();
  await page.getByRole("button", { name: "Remove node 2" }).click();
  const remove = dialog.getByRole("button", { name: "Remove", exact: true });
  await expect(remove.isDisabled()).resolves.toBe(true);
  await dialog.getByRole("textbox").fill(`127.0.0.1:${second.tcp}`);
  await remove.click();
  await expect.poll(() => row(page, "Node 2").count()).toBe(0);
  expect(await listed()).toEqual([[1, 5]]);
});

it("shows a token to a node that anybody may have listed when the reader says so, and names its address", async () => {
  const allow = ["publish", "consume", "manage", "operate"] as const;
  const users = [{ name: "operator", tokens: [{ hash: hashOf(TOKEN) }], permissions: [{ topics: "*", allow }] }];
  const guarded = await openBroker({ node: 3, users });
  onTestFinished(guarded.close);
  const registry = await testRegistry();
  await fetch(`${urlOf(registry)}${registration(nodeOf(guarded, 3))}`);
  const page = await openConsole(await startGweb(urlOf(registry)), "#/nodes");
  await page.getByRole("button", { name: "Show a token" }).click();
  await page.getByRole("dialog").getByLabel("Token").fill(TOKEN);
  await page.getByRole("dialog").getByRole("button", { name: "Show a token" }).click();
  // It cannot be asked as long as it is not shown the token.
  await expect.poll(() => counted(page)).toBe("Nodes counted: 0 of 1. Left out: 3 (UNAUTHORIZED).");
  await total(page, "Ready").toBe("–");
  await page.getByRole("link", { name: "Node 3" }).click();
  const banner = page.getByRole("status").filter({ hasText: `127.0.0.1:${guarded.http}` });
  expect(await banner.textContent()).toContain("UNAUTHORIZED");
  await banner.getByRole("button", { name: "Show my token" }).click();
  await banner.waitFor({ state: "detached" });
  // The overview, which is there as soon as the node answers, leads there as well.
  await page.getByRole("navigation").getByRole("link", { name: "Connections" }).click();
  await row(page, "operator").waitFor();
  await page.getByRole("link", { name: "Nodes", exact: true }).click();
  await expect.poll(() => counted(page)).toBe("Nodes counted: 1 of 1.");
});

it("asks for a node where none is chosen, in both languages, and fits a telephone", async () => {
  const registry = await testRegistry();
  await fetch(`${urlOf(registry)}${registration(nodeOf(first, 1))}`);
  const port = await startGweb(urlOf(registry));
  const page = await openConsole(port, "#/connections", {
    locale: "zh-CN",
    viewport: { width: 375, height: 700 },
  });
  await page.getByRole("link", { name: "请选择一个节点" }).click();
  await expect.poll(() => row(page, "节点 1").textContent()).toContain("正常");
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(375);
});
