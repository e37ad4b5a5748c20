import { networkInterfaces } from "node:os";
import { expect, it } from "vitest";
import { machineAddresses } from "../../../src/main/ports/machine-addresses.js";

it("are those of all interfaces but the loopback", () => {
  const own = (address: string, internal: boolean) =>
    ({ address, internal, family: "IPv4", netmask: "", mac: "", cidr: null }) as const;
  const interfaces = { lo: [own("127.0.0.1", true)], eth0: [own("10.0.0.5", false)], eth1: undefined };
  expect(machineAddresses(() => ({ ...interfaces })).map(({ address }) => address)).toEqual(["10.0.0.5"]);
  expect(machineAddresses().length).toBeLessThan(Object.values(networkInterfaces()).flat().length);
});

it("are none where the process may not ask", () => {
  const refused = (): never => {
    throw new Error("A system error occurred: uv_interface_addresses returned Unknown system error 97");
  };
  expect(machineAddresses(refused)).toEqual([]);
});
