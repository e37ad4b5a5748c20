import { afterAll, beforeEach, expect, it } from "vitest";
import { deferred } from "../../src/client/base/deferred.js";
import { dnsResolver } from "../../src/servers/dns-resolver.js";
import { addressResolver, type Resolver } from "../../src/servers/resolver.js";
import type { Server } from "../../src/servers/server.js";
import { ServerList } from "../../src/servers/server-list.js";
import { DnsServer } from "./dns-server.js";

const dns = await DnsServer.start();
afterAll(() => dns.close());
beforeEach(() => {
  dns.records.clear();
  dns.isFailing = false;
});

const { signal } = new AbortController();
const resolve = async (resolver: Resolver, name: string): Promise<string[]> =>
  (await resolver.resolve(name, signal)).map(({ url, host }) => `${url} ${host}`);

it.each([
  ["localhost:8081", "https://localhost:8081 localhost"],
  ["http://10.0.0.1:80/", "http://10.0.0.1 10.0.0.1"],
  ["[::1]:9091", "https://[::1]:9091 ::1"],
  ["https://mq.example/memmq/", "https://mq.example/memmq mq.example"],
])("a server named %s is %s", async (name, server) => {
  expect(await resolve(addressResolver, name)).toEqual([server]);
});

it.each(["", "a b", "ftp://x", "http://u:p@x", "x:99999", "x?y", "a,b"])("%j names no server", (name) => {
  expect(() => addressResolver.resolve(name, signal)).toThrow(RangeError);
});

it("a name is all of its addresses, in one order, and keeps its host for the certificate", async () => {
  const resolver = dnsResolver({ nameServers: [dns.address] });
  dns.records.set("mq.test", ["127.0.0.3", "127.0.0.1", "::1"]);
  expect(await resolve(resolver, "mq.test")).toEqual([
    "https://127.0.0.1:8081 mq.test",
    "https://127.0.0.3:8081 mq.test",
    "https://[::1]:8081 mq.test",
  ]);
  dns.records.set("mq.test", ["127.0.0.1"]);
  expect(await resolve(resolver, "http://mq.test:7")).toEqual(["http://127.0.0.1:7 mq.test"]);
  expect(await resolve(resolver, "mq.test:443")).toEqual(["https://127.0.0.1 mq.test"]);
  await expect(resolve(resolver, "none.test")).rejects.toMatchObject({ code: "ENOTFOUND" });
});

it("by default the system is asked, as by other programs", async () => {
  expect(await resolve(dnsResolver(), "localhost:1")).toContain("https://127.0.0.1:1 localhost");
});

/** The lists as they come. */
const watched = (names: readonly string[], resolver: Resolver) => {
  const lists: string[][] = [];
  let failures = 0;
  let next = deferred<void>();
  const told = (): void => {
    next.resolve();
    next = deferred<void>();
  };
  const list = new ServerList(names, resolver, {
    changed: (servers: readonly Server[]) => {
      lists.push(servers.map(({ url }) => url));
      told();
    },
    failed: () => {
      failures++;
      told();
    },
  });
  const until = async (isTrue: () => boolean): Promise<void> => {
    while (!isTrue()) await next.promise;
  };
  return { list, lists, until, failures: () => failures };
};

it("a list follows records that change, and keeps what it has while they cannot be read", async () => {
  dns.records.set("a.test", ["127.0.0.1", "127.0.0.2"]);
  const resolver = dnsResolver({ nameServers: [dns.address], refreshInterval: 5 });
  const { list, lists, until, failures } = watched(["a.test", "b.test"], resolver);
  await list.start();
  // The second name is not there yet.
  expect(lists).toEqual([["https://127.0.0.1:8081", "https://127.0.0.2:8081"]]);
  expect(failures()).toBeGreaterThan(0);
  dns.records.set("a.test", ["127.0.0.2"]).set("b.test", ["127.0.0.9", "127.0.0.2"]);
  await until(() => lists.at(-1)?.includes("https://127.0.0.9:8081") === true && lists.at(-1)?.length === 2);
  dns.isFailing = true;
  const before = failures();
  await until(() => failures() > before + 4);
  expect(list.servers.map(({ url }) => url).sort()).toEqual(["https://127.0.0.2:8081", "https://127.0.0.9:8081"]);
  dns.isFailing = false;
  dns.records.set("b.test", []);
  dns.records.set("a.test", ["127.0.0.7"]);
  await until(() => lists.at(-1)?.includes("https://127.0.0.7:8081") === true);
  // A name without addresses is one that cannot be looked up: its last ones stay.
  // A name without addresses is one that cannot be looked up: its last ones stay.
  expect(list.servers.map(({ url }) => url)).toEqual([
    "https://127.0.0.7:8081",
    "https://127.0.0.2:8081",
    "https://127.0.0.9:8081",
  ]);
  list.close();
  const { queries } = dns;
  await new Promise((done) => setImmediate(done));
  expect(dns.queries - queries).toBeLessThan(3);
});
