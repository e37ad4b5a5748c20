import { expect, it } from "vitest";
import { patiently } from "../../src/workers/patience.js";

const fault = (code: string): Error => Object.assign(new Error(code), { code });

/** Fails this many times. Returns the result, the milliseconds waited, and the errors reported. */
const play = (code: string, times: number): { readonly result: unknown; readonly waited: number; said: string[] } => {
  let calls = 0;
  let waited = 0;
  const said: string[] = [];
  const work = (): string => {
    calls++;
    if (calls <= times) throw fault(code);
    return "done";
  };
  let result: unknown;
  try {
    result = patiently(work, { pause: (ms) => (waited += ms), waits: ({ message }) => said.push(message) });
  } catch (error) {
    result = error;
  }
  return { result, waited, said };
};

it.each(["EMFILE", "ENFILE", "ENOMEM", "ENOSPC"])("waits while there is %s, and says so once", (code) => {
  expect(play(code, 5)).toEqual({ result: "done", waited: 1250, said: [code] });
});

it("gives up after twelve seconds, so that five lives of a shard last longer than a minute", () => {
  const { result, waited } = play("EMFILE", Number.POSITIVE_INFINITY);
  expect(result).toEqual(fault("EMFILE"));
  expect(waited).toBeGreaterThan(11_000);
});

it("does not retry errors that do not pass", () => {
  expect(play("EACCES", 1)).toEqual({ result: fault("EACCES"), waited: 0, said: [] });
});
