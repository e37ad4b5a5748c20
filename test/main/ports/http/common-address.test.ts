import { expect, it } from "vitest";
import { CommonAddress } from "../../../../src/main/ports/http/common-address.js";

it("is known as long as all sockets have the same, and again when all have gone", () => {
  const common = new CommonAddress();
  const seen: (string | undefined)[] = [];
  const came = (address: string): void => {
    common.came(address);
    seen.push(common.value);
  };
  came("a");
  came("a");
  came("b");
  came("b");
  for (let i = 0; i < 3; i++) common.went();
  // One of them is left.
  came("b");
  common.went();
  common.went();
  came("b");
  expect(seen).toEqual(["a", "a", undefined, undefined, undefined, "b"]);
});
