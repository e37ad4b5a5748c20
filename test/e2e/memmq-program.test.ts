/** The program `memmq` as a server: its flags, its certificate, its ends. */
import { X509Certificate } from "node:crypto";
import { expect, it } from "vitest";
import { Authority, writeCertificate } from "../certificates.js";
import { portOf, stop } from "./memmq-servers.js";
import { isFree, Shell } from "./shell.js";

/** The certificate that a server shows, as openssl sees it. */
const shown = (shell: Shell, port: number): Promise<string> =>
  shell.output(`openssl s_client -connect localhost:${port} </dev/null 2>/dev/null | openssl x509`);

it.each([
  ["--proxy", 2, "--proxy needs servers: --servers="],
  ["-client=true -topic example", 2, "a client needs --publish, --subscribe, both, or -i"],
  ["--adress=:1", 2, "unknown option '--adress'\n(Did you mean --address?)"],
  ["--cert_file=none.pem --key_file=none.pem", 2, "--cert_file must be a PEM file that can be read; "],
])("memmq.bin %s: it says what is wrong and ends", async (flags, code, text) => {
  const refused = new Shell().program(`memmq.bin ${flags}`);
  expect(await refused.exit).toBe(code);
  expect(refused.text.out).toBe("");
  expect(refused.text.err).toContain(text);
});

it("memmq --help teaches", async () => {
  const { text, exit } = new Shell().program("memmq --help");
  expect(await exit).toBe(0);
  expect(text.out).toMatch(/^ {2}--cert_file <file> /m);
  expect(text.out).toMatch(/^ {2}-i {3,}both at once/m);
  expect(text.out).toContain("memmq --proxy --servers=127.0.0.1:8081,127.0.0.1:8082,127.0.0.1:8083 --select=shard");
});

it("memmq.bin listens on *:8081 with a certificate of its own, and a second one is told that it does", async () => {
  const shell = new Shell();
  if (await isFree(8081)) {
    const server = shell.program("memmq.bin");
    expect(await portOf(server)).toBe(8081);
    expect(server.text.err).toContain("anybody who reaches these addresses can read, change and delete everything");
    const pem = await shown(shell, 8081);
    expect(new X509Certificate(pem).checkHost("localhost")).toBe("localhost");
    expect(new X509Certificate(pem).checkIP("127.0.0.1")).toBe("127.0.0.1");
    const second = shell.program("memmq.bin");
    expect(await second.exit).toBe(1);
    expect(second.text.err).toContain("error: cannot listen for HTTP on [::]:8081: the port is in use");
    expect(await stop(server)).toBe(0);
  } else {
    const refused = shell.program("memmq.bin");
    expect(await refused.exit).toBe(1);
    expect(refused.text.err).toContain("error: cannot listen for HTTP on [::]:8081: the port is in use");
  }
});

it("memmq shows the certificate that it is given, and reads it again on SIGHUP", async () => {
  const shell = new Shell();
  const authority = await Authority.create();
  const issue = async (commonName: string): Promise<void> => {
    const { cert, key } = await authority.issue({ commonName });
    writeCertificate(shell.directory, { cert, key }, "cert");
  };
  await issue("first");
  const server = shell.program(
    "memmq -address localhost:0 -no_console --no_openapi -cert_file=cert.pem -key_file cert-key.pem",
  );
  const port = await portOf(server);
  expect(new X509Certificate(await shown(shell, port)).subject).toBe("CN=first");
  expect(server.text.err).not.toContain("all interfaces");
  const statuses = ["ping", "console/", "openapi.json"].map((path) =>
    shell.output(`curl -s -k -o /dev/null -w "%{http_code}" https://localhost:${port}/${path}`),
  );
  expect(await Promise.all(statuses)).toEqual(["200", "404", "404"]);
  await issue("second");
  server.child.kill("SIGHUP");
  await server.said("subject=CN=second");
  expect(new X509Certificate(await shown(shell, port)).subject).toBe("CN=second");
  server.child.kill("SIGINT");
  expect(await server.exit).toBe(0);
});
