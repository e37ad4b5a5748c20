import { expect, it } from "vitest";
import { warnOfExposure } from "../../../src/main/access/exposure.js";
import { SILENT } from "../../../src/main/log.js";
import type { BrokerOptions } from "../../../src/main/options.js";

const HERE = { host: "127.0.0.1", port: 1 };
const EVERYWHERE = { host: "::", port: 1 };
const USER = { name: "a", permissions: [] };

const warnings = (given: Partial<BrokerOptions>): [object, string][] => {
  const said: [object, string][] = [];
  const options = { tcp: HERE, http: HERE, grpc: "off", users: [], ...given } as BrokerOptions;
  warnOfExposure(options, { ...SILENT, warn: (fields, text) => said.push([fields, text]) });
  return said;
};

it("nothing is said of a broker of this machine, nor of one with users and TLS", () => {
  expect(warnings({})).toEqual([]);
  expect(warnings({ tcp: "off", http: { host: "localhost", port: 1 } })).toEqual([]);
  expect(warnings({ tcp: EVERYWHERE, tcpTls: "self-signed", users: [USER] })).toEqual([]);
});

it("whoever opens a port to others without users is told which, and what to do, with TLS too", () => {
  const text = expect.stringMatching(
    /read, change and delete everything: give the broker users, and TLS, or .* 127\.0\.0\.1/,
  );
  expect(warnings({ tcp: EVERYWHERE, grpc: { host: "10.0.0.1", port: 1 } })).toEqual([
    [{ tcp: "::", grpc: "10.0.0.1" }, text],
  ]);
  expect(warnings({ http: EVERYWHERE, httpTls: "self-signed" })).toEqual([[{ http: "::" }, text]]);
});

it("whoever has users and no TLS is told that tokens can be read", () => {
  const text = expect.stringContaining("tokens that are sent to these addresses can be read on their way");
  expect(warnings({ tcp: EVERYWHERE, http: EVERYWHERE, httpTls: "self-signed", users: [USER] })).toEqual([
    [{ tcp: "::" }, text],
  ]);
});
