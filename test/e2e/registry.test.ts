/** A registry is killed and started again under traffic: traffic goes on, and the nodes are listed again in seconds. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { announce } from "../../src/registry/announcement/index.js";
import { listRegistered } from "../../src/registry/discovery/index.js";
import { testBroker, testDirectory } from "./brokers.js";
import { clientOf } from "./clients.js";

const PROGRAM = fileURLToPath(new URL("../registry/registry-process.mjs", import.meta.url));
const POLL = { interval: 50, timeout: 20_000 };

/** Starts a registry in a process of its own. `data`: none when it is left out. */
const startProcess = async (port: number, data?: string): Promise<{ child: ChildProcess; port: number }> => {
  const child = spawn(process.execPath, [PROGRAM, String(port), ...(data === undefined ? [] : [data])], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return { child, port: Number(line) };
};

const kill = async (child: ChildProcess): Promise<void> => {
  const exit = once(child, "exit");
  child.kill("SIGKILL");
  await exit;
};

/** The ids that are listed; undefined: the registry does not answer. */
const idsAt = (port: number): Promise<number[] | undefined> =>
  listRegistered(`127.0.0.1:${port}`).then(
    (nodes) => nodes.map(({ id }) => id),
    () => undefined,
  );

it("killed and started, without its list and with it", async () => {
  const { tcp, http } = await testBroker({ node: 5 });
  const { child, port } = await startProcess(0);
  const node = { id: 5, weight: 1, tcpAddress: `127.0.0.1:${tcp}`, httpAddress: `127.0.0.1:${http}` };
  // The intervals that a node has unless told otherwise.
  const announcement = announce(node, { registries: [`http://127.0.0.1:${port}`], etcd: [] });
  onTestFinished(() => announcement.close());
  await expect.poll(() => idsAt(port), POLL).toEqual([5]);

  const client = await clientOf(tcp);
  let sent = 0;
  let isOver = false;
  const traffic = (async () => {
    while (!isOver) {
      await client.publish("t", String(sent++));
      const [message] = await client.pop("t");
      await message?.ack();
    }
  })();

  await kill(child);
  expect(await idsAt(port)).toBeUndefined();
  const data = testDirectory();
  const second = await startProcess(port, data);
  await expect.poll(() => idsAt(port), POLL).toEqual([5]);

  await kill(second.child);
  await startProcess(port, data);
  // It has the node before the node has asked.
  expect(await idsAt(port)).toEqual([5]);

  const before = sent;
  await expect.poll(() => sent, POLL).toBeGreaterThan(before + 10);
  isOver = true;
  await traffic;
  await announcement.close();
  expect(await idsAt(port)).toEqual([]);
});
