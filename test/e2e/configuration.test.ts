/** The configuration of the program: its file, what SIGHUP changes of it, and its log. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { connect } from "../../src/client/index.js";
import { hashOf } from "../../src/main/access/token-hash.js";
import { Authority, writeCertificate } from "../certificates.js";
import { testDirectory } from "./brokers.js";
import { type Run, run, started } from "./program.js";

/** Until the program has logged it. */
const logged = async ({ child, text }: Pick<Run, "child" | "text">, what: string): Promise<void> => {
  while (!text.err.includes(what)) await once(child.stderr, "data");
};

/** What a page of that origin is answered. */
const statusFor = async (port: number, Origin: string): Promise<number> =>
  (await fetch(`http://127.0.0.1:${port}/topics`, { headers: { Origin } })).status;

const directory = testDirectory;

const fileIn = (folder: string, text: string): string => {
  const path = join(folder, "ringmq.toml");
  writeFileSync(path, text);
  return path;
};

it("ringmq serve takes a file; SIGHUP changes what can change, names what cannot, and refuses a bad file whole", async () => {
  const folder = directory();
  const text = (more: string): string => `[listen]\ntcp = 0\nhttp = "127.0.0.1:0"\n${more}`;
  const path = fileIn(folder, text('allowOrigin = ["https://a.example"]\n[topics]\nttr = "7s"\n'));
  const broker = await started(["--config", path], { RINGMQ_RETRIES: "3" });
  const { child, http, tcp } = broker;
  const client = await connect(`tcp://127.0.0.1:${tcp}`);
  await client.publish("t", "x");
  expect(await client.configure("t", {})).toMatchObject({ ttr: 7_000, retries: 3 });
  const refused = await statusFor(http, "https://b.example");
  expect(refused).toBe(403);
  expect(await statusFor(http, "https://a.example")).not.toBe(403);

  const sent = async (more: string, until: string): Promise<void> => {
    fileIn(folder, text(more));
    child.kill("SIGHUP");
    await logged(broker, until);
  };
  await sent('allowOrign = ["https://b.example"]\n[log]\nlevel = "loud"\n', '[log] level = "loud"');
  expect(broker.text.err).toContain(
    `ERROR SIGHUP: the configuration stays as it is: ${path}: [listen] allowOrign: there is no such key (did you mean allowOrigin?)`,
  );
  expect(await statusFor(http, "https://a.example")).not.toBe(403);

  await sent(
    'allowOrigin = ["https://b.example"]\n[topics]\nttr = "8s"\n[limits]\nmaxConnectionsPerAddress = 1\n[log]\nlevel = "debug"\n',
    "takes another start",
  );
  expect(broker.text.err).toContain("changed=[listen] allowOrigin, [limits] maxConnectionsPerAddress, [log] level");
  expect(broker.text.err).toContain("takes another start settings=[topics] ttr");
  expect(await statusFor(http, "https://b.example")).not.toBe(403);
  expect(await statusFor(http, "https://a.example")).toBe(403);
  // The connection that is there stays, and there is none beside it.
  await client.ping();
  await expect(connect(`tcp://127.0.0.1:${tcp}`)).rejects.toThrow("an address has at most 1 connections");

  await sent(
    "[topics]\nttr = '7s'\n",
    "changed=[listen] allowOrigin, [limits] maxConnectionsPerAddress, [log] level\n",
  );
  await client.close();
  child.kill("SIGTERM");
  expect(await broker.exit).toEqual({ code: 0, signal: null });
});

it("SIGHUP during a start counts when it has started", async () => {
  const folder = directory();
  const text = (more: string): string => `[listen]\ntcp = 0\nhttp = "127.0.0.1:0"\n${more}`;
  const starting = run(["serve", "--config", fileIn(folder, text(""))]);
  await logged(starting, "HTTP engine");
  fileIn(folder, text('allowOrigin = ["https://a.example"]\n'));
  starting.child.kill("SIGHUP");
  await logged(starting, "SIGHUP: the configuration is read again changed=[listen] allowOrigin");
  starting.child.kill("SIGTERM");
  await starting.exit;
});

it("SIGHUP takes certificates of other files, and leaves a port that speaks TLS speaking it", async () => {
  const authority = await Authority.create();
  const [folder, other] = [directory(), directory()];
  const files = writeCertificate(folder, await authority.issue());
  const renewed = writeCertificate(other, await authority.issue({ commonName: "renewed" }));
  const text = (lines: string): string => `[listen]\ntcp = 0\nhttp = "127.0.0.1:0"\n[tls]\nports = ["tcp"]\n${lines}`;
  const path = fileIn(folder, text(`cert = "${files.certFile}"\nkey = "${files.keyFile}"\n`));
  const broker = await started([], { RINGMQ_CONFIG: path });
  const sent = async (lines: string, until: string): Promise<void> => {
    fileIn(folder, text(lines));
    broker.child.kill("SIGHUP");
    await logged(broker, until);
  };
  await sent(`cert = "${renewed.certFile}"\nkey = "${files.keyFile}"\n`, "the configuration stays as it is: ");
  expect(broker.text.err).toContain(`${path}: [tls] key must be the key of the certificate in ${renewed.certFile}`);
  await sent(`cert = "${renewed.certFile}"\nkey = "${renewed.keyFile}"\n`, "changed=[tls] cert, [tls] key");
  expect(broker.text.err).toContain("subject=CN=renewed");
  await sent("selfSigned = true\n", "takes another start settings=[tls] cert, [tls] key, [tls] selfSigned");
  await (await connect(`tls://localhost:${broker.tcp}`, { tls: { ca: authority.cert } })).close();
});

it("users are in the file, with tokens of ringmq token; SIGHUP ends the connections of those whose token is gone", async () => {
  const made = run(["token", "--json"]);
  expect(await made.exit).toEqual({ code: 0, signal: null });
  const { token, hash } = JSON.parse(made.text.out);
  expect(hash).toBe(hashOf(token));
  const folder = directory();
  const user = (name: string, of: string): string =>
    `[[users]]\nname = "${name}"\ntokens = [{ hash = "${of}" }]\npermissions = [{ topics = "*", allow = ["publish"] }]\n`;
  const listen = '[listen]\ntcp = 0\nhttp = "127.0.0.1:0"\n';
  const two = user("two", hashOf("two"));
  const broker = await started(["--config", fileIn(folder, listen + user("one", hash) + two)]);
  const opened = (of: string) => connect(`tcp://127.0.0.1:${broker.tcp}`, { token: of });
  // What it says to try is what its users can run.
  const line = /^try: (curl .*)$/m.exec(broker.text.out)?.[1] ?? "";
  const env = { ...process.env, RINGMQ_TOKEN: token };
  expect((await promisify(execFile)("sh", ["-c", line], { env })).stdout).toContain('"msg":"success"');
  const [leaves, stays] = [await opened(token), await opened("two")];
  for (const client of [leaves, stays]) await client.publish("t", "x");
  fileIn(folder, listen + two);
  broker.child.kill("SIGHUP");
  await logged(broker, "changed=users");
  await expect(leaves.closed).resolves.toMatchObject({ code: "UNAUTHORIZED" });
  await stays.publish("t", "x");
  await stays.close();
  expect(broker.text.err).not.toContain("sha256:");
});

it("the log goes to a file, which SIGHUP opens anew", async () => {
  const folder = directory();
  const path = join(folder, "ringmq.log");
  const args = ["--tcp", "127.0.0.1:0", "--http", "127.0.0.1:0", "--log-file", path];
  const broker = await started(args);
  const lines = (file: string): string => readFileSync(file, "utf8");
  expect(lines(path)).toContain("messages are kept in the data directory");
  renameSync(path, `${path}.1`);
  broker.child.kill("SIGHUP");
  await expect.poll(() => (existsSync(path) ? lines(path) : "")).toContain("SIGHUP: the log goes on here");
  expect(lines(`${path}.1`)).not.toContain("SIGHUP");
  broker.child.kill("SIGTERM");
  await broker.exit;
  expect(lines(path)).toContain("stopped");
  expect(broker.text.err).toBe("");

  const refused = run(["serve", "--log-file", join(folder, "none", "x.log")]);
  expect(await refused.exit).toEqual({ code: 2, signal: null });
  expect(refused.text.err).toMatch(/^error: the log file .*x\.log cannot be written: ENOENT/);
});

it("a log for programs has all that the broker says, and nothing else is on its streams", async () => {
  const data = directory();
  const broker = run([
    "serve",
    "--tcp",
    "127.0.0.1:0",
    "--http",
    "127.0.0.1:0",
    "--data",
    data,
    "--log-format",
    "json",
  ]);
  await logged(broker, "ringmq runs");
  const objects = ({ text }: Run): Record<string, unknown>[] =>
    text.err
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
  const { tcp, http } = objects(broker).find(({ msg }) => msg === "ringmq runs") ?? {};
  expect(tcp).toMatch(/^tcp:\/\/127\.0\.0\.1:\d+$/);
  expect((await fetch(`${http}/readyz`)).status).toBe(200);

  const second = run(["serve", "--tcp", "127.0.0.1:0", "--http", "off", "--data", data, "--log-format", "json"]);
  expect(await second.exit).toEqual({ code: 1, signal: null });
  expect(objects(second).at(-1)).toMatchObject({ level: "error", msg: expect.stringContaining(data) });
  broker.child.kill("SIGTERM");
  await broker.exit;
  expect(objects(broker).at(-1)).toMatchObject({ msg: "stopped" });
  expect(broker.text.out + second.text.out).toBe("");
});
