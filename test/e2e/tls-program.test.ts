/** TLS of the program: its flags, its files on SIGHUP, and what it says. */
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { connect } from "../../src/client/index.js";
import { Authority, type Issued, writeAuthority, writeCertificate } from "../certificates.js";
import { testDirectory } from "./brokers.js";
import { ANY_PORT, type Run, run, started } from "./program.js";

const authority = await Authority.create();
const other = await Authority.create("another authority");

const flagsOf = (directory: string, issued: Issued): string[] => {
  const { certFile, keyFile } = writeCertificate(directory, issued);
  return ["--tls-cert", certFile, "--tls-key", keyFile];
};

/** Until the program has logged it, as often as told. */
const logged = async ({ child, text }: Pick<Run, "child" | "text">, what: string, times = 1): Promise<void> => {
  while (text.err.split(what).length <= times) await once(child.stderr, "data");
};

describe("ringmq serve with a certificate", () => {
  it("says where it listens over TLS, and reads its files again on SIGHUP while connections are open", async () => {
    const directory = testDirectory();
    const flags = flagsOf(directory, await authority.issue());
    const broker = await started([...ANY_PORT, ...flags]);
    const { child, text, tcp, http, exit } = broker;
    expect(text.out).toMatch(/ TCP {8}tls:\/\/127\.0\.0\.1:\d+\n {2}WebSocket {2}wss:.*\n {2}HTTP {7}https:/);
    expect(text.out).toMatch(/^try: curl --cacert ca\.pem -d .* https:\/\/127\.0\.0\.1:\d+\/push$/m);
    const open = async (ca: string) =>
      Promise.all([
        connect(`tls://localhost:${tcp}`, { tls: { ca } }),
        connect(`wss://localhost:${http}`, { tls: { ca } }),
      ]);
    const before = await open(authority.cert);
    const waiting = before.map((client, i) => client.pop(`topic${i}`, { wait: 60_000 }));
    for (const client of before) await client.ping();

    // Half of it has been replaced: the key does not fit.
    writeCertificate(directory, { ...(await other.issue()), cert: (await authority.issue()).cert });
    child.kill("SIGHUP");
    await logged(broker, "SIGHUP: the configuration stays as it is: --tls-key must be the key of the certificate in");
    for (const client of await open(authority.cert)) await client.close();

    writeCertificate(directory, await other.issue({ commonName: "renewed" }));
    child.kill("SIGHUP");
    await logged(broker, "subject=CN=renewed", 2);
    const after = await open(other.cert);
    await expect(open(authority.cert)).rejects.toMatchObject({ code: "CONNECT_FAILED" });
    for (const [i, client] of after.entries()) await client.publish(`topic${i}`, "hello");
    for (const popped of waiting) expect((await popped).map((message) => message.text())).toEqual(["hello"]);
    for (const client of [...before, ...after]) await client.close();
    child.kill("SIGTERM");
    expect(await exit).toEqual({ code: 0, signal: null });
  });

  it("has it on one port when told so, and takes variables", async () => {
    const { certFile, keyFile } = writeCertificate(testDirectory(), await authority.issue());
    const variables = { RINGMQ_TLS_CERT: certFile, RINGMQ_TLS_KEY: keyFile, RINGMQ_TLS_PORTS: "tcp" };
    const { text, tcp, http } = await started(ANY_PORT, variables);
    expect(text.out).toContain(`tls://127.0.0.1:${tcp}`);
    expect(text.out).toContain(` http://127.0.0.1:${http}`);
    const plain = await connect(`ws://127.0.0.1:${http}/mq`);
    const secure = await connect(`tls://127.0.0.1:${tcp}`, { tls: { ca: authority.cert } });
    await Promise.all([plain.close(), secure.close()]);
  });

  it("lets in clients with a certificate of the authority that it is given", async () => {
    const directory = testDirectory();
    const flags = flagsOf(directory, await authority.issue());
    const { tcp, http } = await started([
      ...ANY_PORT,
      ...flags,
      "--tls-client-ca",
      writeAuthority(directory, authority),
    ]);
    const ca = authority.cert;
    for (const url of [`tls://localhost:${tcp}`, `wss://localhost:${http}`]) {
      await (await connect(url, { tls: { ca, ...(await authority.issue()) } })).close();
      await expect(connect(url, { tls: { ca } })).rejects.toMatchObject({ code: "CONNECT_FAILED" });
      await expect(connect(url, { tls: { ca, ...(await other.issue()) } })).rejects.toMatchObject({
        code: "CONNECT_FAILED",
      });
    }
  });

  it("writes a backup for ringmq backup over TLS", async () => {
    const directory = testDirectory();
    const flags = flagsOf(directory, await authority.issue());
    const ca = writeAuthority(directory, authority);
    const { tcp } = await started([...ANY_PORT, ...flags, "--tls-client-ca", ca]);
    const own = writeCertificate(directory, await authority.issue(), "client");
    const out = `${directory}/backup`;
    const at = ["backup", out, "--tcp", `localhost:${tcp}`];
    const missing = run([...at, "--tls-ca", "nowhere.pem"]);
    expect((await missing.exit).code).toBe(2);
    expect(missing.text.err).toBe(
      "error: --tls-ca must be a PEM file that can be read; nowhere.pem cannot: there is no such file\n",
    );
    const refused = run([...at, "--tls-ca", ca]);
    expect((await refused.exit).code).toBe(1);
    expect(refused.text.err).toContain("tls.cert");
    const backup = run([...at, "--tls-ca", ca, "--tls-cert", own.certFile, "--tls-key", own.keyFile]);
    expect([(await backup.exit).code, backup.text.err]).toEqual([0, ""]);
    expect(backup.text.out).toMatch(/^backed up /);
  });

  it("carries on after SIGHUP without one", async () => {
    const broker = await started();
    broker.child.kill("SIGHUP");
    await logged(broker, "there is nothing to read again");
    await (await connect(`tcp://127.0.0.1:${broker.tcp}`)).close();
  });
});

describe("ringmq serve refuses", () => {
  const refusal = async (...args: readonly string[]): Promise<string> => {
    const { exit, text } = run(["serve", ...ANY_PORT, ...args], { RINGMQ_DATA: testDirectory() });
    expect((await exit).code).toBe(2);
    expect(text.out).toBe("");
    return text.err;
  };

  it("flags that make no sense together, and says what to do", async () => {
    const [, cert = "", , key = ""] = flagsOf(testDirectory(), await authority.issue());
    expect(await refusal("--tls-cert", cert)).toContain("--tls-cert needs --tls-key, the file with");
    expect(await refusal("--tls-key", key)).toContain("--tls-key needs --tls-cert, the file with");
    expect(await refusal("--tls-client-ca", cert)).toContain("--tls-client-ca needs --tls-cert and --tls-key");
    expect(await refusal("--tls-ports", "tcp")).toContain("--tls-ports needs --tls-cert and --tls-key");
    const both = ["--tls-cert", cert, "--tls-key", key];
    expect(await refusal(...both, "--tls-self-signed")).toContain(
      "--tls-self-signed makes a certificate: leave it out",
    );
    expect(await refusal("--tls-self-signed", "--tls-client-ca", cert)).toContain(
      "--tls-client-ca needs --tls-cert and",
    );
    expect(await refusal(...both, "--tls-ports", "udp")).toContain("It must be one or more of tcp, http and grpc");
    expect(await refusal(...both, "--tls-ports", "http", "--http", "off")).toContain(
      "--tls-ports names http, but --http is off",
    );
    expect(await refusal(...both, "--tls-client-ca", cert, "--http-engine", "uws")).toContain(
      "--http-engine must be node",
    );
  });

  it("files that cannot be used", async () => {
    const directory = testDirectory();
    const [, cert = "", , key = ""] = flagsOf(directory, await authority.issue());
    const none = `${directory}/none.pem`;
    const another = writeCertificate(directory, await authority.issue(), "another");
    expect(await refusal("--tls-cert", none, "--tls-key", key)).toContain(
      `error: --tls-cert must be a PEM file that can be read; ${none} cannot: there is no such file`,
    );
    expect(await refusal("--tls-cert", cert, "--tls-key", another.keyFile)).toContain(
      `error: --tls-key must be the key of the certificate in ${cert}; ${another.keyFile} is another`,
    );
    expect(await refusal("--tls-cert", key, "--tls-key", key)).toContain(
      "error: --tls-cert must be a certificate in PEM",
    );
    expect(await refusal("--tls-cert", cert, "--tls-key", key, "--tls-client-ca", none)).toContain(
      "error: --tls-client-ca must",
    );
  });
});
