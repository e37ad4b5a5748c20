/** Nodes in a real etcd. */
import { beforeAll, expect, it } from "vitest";
import { EtcdGateway, fromBase64, toBase64 } from "../../src/registry/discovery/etcd-gateway.js";
import { listAnnounced } from "../../src/registry/discovery/index.js";
import { FETCH_TIMEOUT } from "../debian-package.js";
import { EtcdServer, findEtcd } from "./etcd-server.js";
import { openNode, type TestNode, testAnnouncement } from "./nodes.js";

const POLL = { interval: 20, timeout: 20_000 };

beforeAll(async () => {
  await findEtcd();
}, FETCH_TIMEOUT);

/** The ids of the nodes that clients find; undefined: etcd does not answer. */
const idsIn = (etcd: EtcdServer): Promise<number[] | undefined> =>
  listAnnounced([etcd.endpoint]).then(
    (nodes) => nodes.map(({ id }) => id),
    () => undefined,
  );

const textOf = ({ tcpAddress, httpAddress, weight, id }: TestNode): RegExp =>
  new RegExp(
    `^{"tcp_addr":"${tcpAddress}","http_addr":"${httpAddress}","weight":"${weight}","node_id":"${id}",` +
      '"join_time":"\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d"}$',
  );

it("has a node under a lease of 30 seconds until it closes, as gmq writes it", async () => {
  const etcd = await EtcdServer.start();
  const node = await openNode(7, { weight: 3 });
  const announcement = testAnnouncement(node, { etcd: [etcd.endpoint] });
  await expect.poll(() => idsIn(etcd), POLL).toEqual([7]);
  const gateway = new EtcdGateway([etcd.endpoint]);
  const range = (): Promise<Readonly<Record<string, unknown>>> =>
    gateway.call("/v3/kv/range", { key: toBase64("/gmq/node-7") });
  const { kvs } = (await range()) as { kvs: { value: string; lease: string }[] };
  expect(fromBase64(kvs[0]?.value ?? "")).toMatch(textOf(node));
  const lease = await gateway.call("/v3/lease/timetolive", { ID: kvs[0]?.lease });
  expect(lease["grantedTTL"]).toBe("30");
  expect(await listAnnounced([etcd.endpoint])).toMatchObject([
    { id: 7, weight: 3, tcpAddress: node.tcpAddress, httpAddress: node.httpAddress },
  ]);
  await announcement.close();
  expect(await idsIn(etcd)).toEqual([]);
  expect((await gateway.call("/v3/lease/leases", {}))["leases"] ?? []).toEqual([]);
});

it("keeps a node for longer than its lease, and loses one that died", async () => {
  const etcd = await EtcdServer.start();
  // One whose process is gone: nobody keeps its lease alive.
  const gateway = new EtcdGateway([etcd.endpoint]);
  const { ID: lease } = await gateway.call("/v3/lease/grant", { TTL: "1" });
  const entry = { tcp_addr: "h:1", http_addr: "h:2", weight: "1", node_id: "2", join_time: "" };
  await gateway.call("/v3/kv/put", { key: toBase64("/gmq/node-2"), value: toBase64(JSON.stringify(entry)), lease });
  testAnnouncement(await openNode(1), { etcd: [etcd.endpoint], leaseSeconds: 1 });
  await expect.poll(() => idsIn(etcd), POLL).toEqual([1, 2]);
  await expect.poll(() => idsIn(etcd), POLL).toEqual([1]);
});

it("loses what a former life of a node left there when this one ends before it has announced itself", async () => {
  const etcd = await EtcdServer.start();
  const [node, other] = [await openNode(1), await openNode(2)];
  const gateway = new EtcdGateway([etcd.endpoint]);
  for (const { id, tcpAddress, httpAddress } of [node, { ...other, httpAddress: node.httpAddress }]) {
    const entry = { tcp_addr: tcpAddress, http_addr: httpAddress, weight: "1", node_id: String(id), join_time: "" };
    await gateway.call("/v3/kv/put", { key: toBase64(`/gmq/node-${id}`), value: toBase64(JSON.stringify(entry)) });
  }
  expect(await idsIn(etcd)).toEqual([1, 2]);
  for (const each of [node, other]) await testAnnouncement(each, { etcd: [etcd.endpoint] }).close();
  // What another node has under the id stays.
  expect(await idsIn(etcd)).toEqual([2]);
});

it("has the node again after it was killed and started, with and without its disk", async () => {
  const etcd = await EtcdServer.start();
  testAnnouncement(await openNode(1), { etcd: ["127.0.0.1:1", etcd.endpoint] });
  await expect.poll(() => idsIn(etcd), POLL).toEqual([1]);
  await etcd.kill();
  expect(await idsIn(etcd)).toBeUndefined();
  await etcd.start();
  await expect.poll(() => idsIn(etcd), POLL).toEqual([1]);
  await etcd.kill();
  etcd.wipe();
  await etcd.start();
  await expect.poll(() => idsIn(etcd), POLL).toEqual([1]);
});

it("has the node again when its lease or its key was taken from it", async () => {
  const etcd = await EtcdServer.start();
  const gateway = new EtcdGateway([etcd.endpoint]);
  testAnnouncement(await openNode(1), { etcd: [etcd.endpoint] });
  await expect.poll(() => idsIn(etcd), POLL).toEqual([1]);
  const { leases } = (await gateway.call("/v3/lease/leases", {})) as { leases: { ID: string }[] };
  await gateway.call("/v3/lease/revoke", { ID: leases[0]?.ID });
  await expect.poll(() => idsIn(etcd), POLL).toEqual([1]);
  await gateway.call("/v3/kv/deleterange", { key: toBase64("/gmq/node-1") });
  await expect.poll(() => idsIn(etcd), POLL).toEqual([1]);
});

it("has one node of two with the same id, and the other when the first has gone", async () => {
  const etcd = await EtcdServer.start();
  const [one, two] = [await openNode(1), await openNode(1)];
  const first = testAnnouncement(one, { etcd: [etcd.endpoint] });
  await expect.poll(() => idsIn(etcd), POLL).toEqual([1]);
  const refusals: string[] = [];
  const ignore = (): void => {};
  const log = { debug: ignore, info: ignore, warn: ignore, error: (_: object, text: string) => refusals.push(text) };
  testAnnouncement(two, { etcd: [etcd.endpoint], log });
  await expect.poll(() => refusals, POLL).toEqual([`etcd ${etcd.endpoint} refuses this node; trying again`]);
  expect(await listAnnounced([etcd.endpoint])).toMatchObject([{ tcpAddress: one.tcpAddress }]);
  await first.close();
  await expect.poll(() => listAnnounced([etcd.endpoint]), POLL).toMatchObject([{ tcpAddress: two.tcpAddress }]);
});
