import { expect, it } from "vitest";
import { SILENT } from "../../../src/main/log.js";
import { guard } from "../../../src/main/native/error-boundary.js";

/** A log that keeps its errors. */
const recording = () => {
  const errors: [object, string][] = [];
  return { errors, log: { ...SILENT, error: (fields: object, text: string) => void errors.push([fields, text]) } };
};

const boom = new Error("boom");
const fail = (): never => {
  throw boom;
};

it("logs what is thrown with its stack, and closes what it was about", () => {
  const { errors, log } = recording();
  let faults = 0;
  guard(log, "a socket", fail, () => faults++);
  expect(errors).toEqual([[{ error: boom }, "a socket failed"]]);
  expect(faults).toBe(1);
});

it("does the same for a promise that rejects", async () => {
  const { errors, log } = recording();
  await new Promise<void>((resolve) => guard(log, "a request", async () => fail(), resolve));
  expect(errors).toEqual([[{ error: boom }, "a request failed"]]);
});

it("lets nothing out when closing fails as well", () => {
  const { errors, log } = recording();
  guard(log, "a socket", fail, fail);
  expect(errors.map(([, text]) => text)).toEqual(["a socket failed", "a socket failed again when it was closed"]);
});

it("says nothing of what goes well", () => {
  const { errors, log } = recording();
  let faults = 0;
  guard(
    log,
    "a socket",
    () => undefined,
    () => faults++,
  );
  expect([errors.length, faults]).toEqual([0, 0]);
});
