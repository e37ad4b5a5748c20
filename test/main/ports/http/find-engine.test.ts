import { expect, it } from "vitest";
import { SILENT } from "../../../../src/main/log.js";
import { findHttpEngine } from "../../../../src/main/ports/http/find-engine.js";
import { openHost } from "./engines.js";

const broken = (): Promise<never> =>
  Promise.reject(new Error("Versions 20 and 22.\n\nError: no binary for this system\nRequire stack:"));

const found = async (...args: [wanted: "auto" | "uws" | "node", load?: () => Promise<never>, isMutual?: boolean]) => {
  const lines: string[] = [];
  const [wanted, load, isMutual = false] = args;
  const make = await findHttpEngine(wanted, isMutual, { ...SILENT, info: (_, text) => void lines.push(text) }, load);
  const engine = make(openHost(SILENT));
  engine.close();
  return [engine.name, ...lines];
};

it("is node's where uWebSockets.js cannot be loaded, and the log says why", async () => {
  expect(await found("auto", broken)).toEqual([
    "node",
    "HTTP engine: node (uWebSockets.js cannot be loaded: no binary for this system)",
  ]);
});

it("is node's when it is asked for", async () => {
  expect(await found("node")).toEqual(["node", "HTTP engine: node (node:http and ws, as asked for)"]);
});

it("is no other when uWebSockets.js is asked for", async () => {
  await expect(found("uws", broken)).rejects.toThrow(
    /^uWebSockets\.js cannot be loaded \(no binary for this system\): start with --http-engine node or auto/,
  );
});

it("is node's where clients need a certificate, unless the other is asked for", async () => {
  expect(await found("auto", broken, true)).toEqual([
    "node",
    "HTTP engine: node (node:https and ws, since clients need a certificate)",
  ]);
  await expect(found("uws", broken, true)).rejects.toThrow(/^uWebSockets\.js cannot be loaded/);
});
