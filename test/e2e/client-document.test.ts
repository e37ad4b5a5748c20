/** The programs of docs/client.md, run as their readers run them, and what they are said to print. */
import { expect, it } from "vitest";
import { documentedPrograms, printedBy } from "../documented-programs.js";
import { sharedBroker } from "./brokers.js";

const broker = sharedBroker();

const programs = documentedPrograms("docs/client.md");

it.each(programs)("$heading", async ({ code, output }) => {
  const { tcp, http } = broker();
  const printed = await printedBy(code.replaceAll(":9503", `:${tcp}`).replaceAll(":9504", `:${http}`));
  expect(printed).toBe(output);
});

it("each says what it prints", () => {
  expect(programs.length).toBeGreaterThan(10);
  expect(programs.filter(({ output }) => output === undefined)).toEqual([]);
});
