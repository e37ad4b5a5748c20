import { expect, it } from "vitest";
import { AddressShares, shareOf } from "../../../src/main/ports/address-shares.js";

it("an IPv4 address is itself, however it is written", () => {
  expect(shareOf("192.0.2.1")).toBe("192.0.2.1");
  expect(shareOf("::ffff:192.0.2.1")).toBe("192.0.2.1");
});

it("an IPv6 address counts as its network of 64 bits, however it is written", () => {
  const network = shareOf("2001:db8::1");
  for (const address of ["2001:db8::2", "2001:0db8:0:0:1:2:3:4", "2001:DB8:0000::ffff", "2001:db8::5%eth0"]) {
    expect(shareOf(address)).toBe(network);
  }
  expect(shareOf("2001:db8:0:1::1")).not.toBe(network);
  expect(shareOf("::1")).toBe(shareOf("0:0:0:0:0:0:0:1"));
});

it("an address has no more than its share, and what goes makes room", () => {
  const shares = new AddressShares(2);
  expect([shares.admit("a"), shares.admit("a"), shares.admit("a"), shares.admit("b")]).toEqual([
    true,
    true,
    false,
    true,
  ]);
  shares.release("a");
  expect(shares.admit("a")).toBe(true);
  shares.release("a");
  shares.release("a");
  shares.release("b");
  expect(shares.size).toBe(0);
});
