import { describe, expect, it } from "vitest";
import { resolveOptions } from "../../src/main/options.js";
import { isSameTls, type ReloadOptions, reloadedOptions } from "../../src/main/reloading.js";

const files = { certFile: "/a.pem", keyFile: "/a-key.pem" };
const mutual = { ...files, clientCaFile: "/ca.pem" };
const running = resolveOptions({ maxConnections: 1000, allowHost: ["a.example"], tcpTls: files });

const reloaded = (given: object) => reloadedOptions(running, given as ReloadOptions);

describe("the options of a broker that runs", () => {
  it("change where they can, and are checked; those that are left out stay", () => {
    const next = { certFile: "/b.pem", keyFile: "/b-key.pem" };
    expect(reloaded({ allowOrigin: ["https://A.example"], maxConnectionsPerAddress: 3, tcpTls: next })).toEqual({
      ...running,
      allowOrigin: ["https://a.example"],
      maxConnectionsPerAddress: 3,
      tcpTls: next,
    });
    expect(reloaded({})).toEqual(running);
  });

  it.each([
    [{ maxConnectionsPerAddress: 0 }, "maxConnectionsPerAddress must be a whole number from 1 to 1048576; it is 0"],
    [{ shards: 2 }, /^shards must stay as it is while the broker runs; what may change are tcpTls, /],
    [{ colour: "red" }, /^there is no option colour; the options are tcpTls, /],
    [{ tcpTls: undefined }, /^tcpTls must stay as it is but for its files/],
    [{ tcpTls: "self-signed" }, /^tcpTls must stay as it is but for its files/],
    [{ tcpTls: mutual }, /^tcpTls must stay as it is but for its files/],
    [{ httpTls: files }, /^httpTls must stay as it is but for its files/],
  ])("are refused what cannot be: %j", (given, text) => {
    expect(() => reloaded(given)).toThrow(text);
    expect(() => reloaded(given)).toThrow(RangeError);
  });

  it("have the same TLS when only its files are others", () => {
    expect(isSameTls(undefined, undefined)).toBe(true);
    expect(isSameTls("self-signed", "self-signed")).toBe(true);
    expect(isSameTls(mutual, { ...mutual, clientCaFile: "/b.pem" })).toBe(true);
    expect(isSameTls(mutual, files)).toBe(false);
    expect(isSameTls(undefined, files)).toBe(false);
    expect(isSameTls("self-signed", files)).toBe(false);
  });
});
