import type { NetworkInterfaceInfo } from "node:os";
import { expect, it } from "vitest";
import { announcedAddress, hostAddress } from "../../../src/cli/gmq/announced-address.js";

const address = (text: string, family: "IPv4" | "IPv6"): NetworkInterfaceInfo =>
  ({ address: text, family, internal: false, netmask: "", mac: "", cidr: null }) as NetworkInterfaceInfo;

it("a machine is announced by its address in its network, IPv4 first", () => {
  const six = address("2001:db8::1", "IPv6");
  const four = address("10.0.0.5", "IPv4");
  const local = address("fe80::1", "IPv6");
  expect(hostAddress([local, six, four])).toBe("10.0.0.5");
  expect(hostAddress([local, six])).toBe("2001:db8::1");
  expect(hostAddress([local])).toBe("127.0.0.1");
});

it("what listens on all interfaces is announced by the machine's, and the operator's word counts first", () => {
  const bound = { host: "::", port: 9503 };
  const announced = (host: string, port: number) => announcedAddress({ host, port }, bound, "10.0.0.5");
  expect(announced("::", 9503)).toEqual({ host: "10.0.0.5", port: 9503 });
  expect(announced("0.0.0.0", 80)).toEqual({ host: "10.0.0.5", port: 80 });
  expect(announced("127.0.0.1", 80)).toEqual({ host: "127.0.0.1", port: 80 });
  expect(announced("mq.example", 0)).toEqual({ host: "mq.example", port: 9503 });
});

it("a name is announced as it is, and not as the address that it has now", () => {
  const bound = { host: "127.0.0.1", port: 9503 };
  expect(announcedAddress({ host: "gnode", port: 9503 }, bound, "10.0.0.5")).toEqual({ host: "gnode", port: 9503 });
});
