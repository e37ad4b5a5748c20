/** The command lines of memmq's README for servers, as they stand there, run by a shell with the built programs on its PATH. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Authority, writeCertificate } from "../certificates.js";
import { portOf, stop } from "./memmq-servers.js";
import { Shell, withFreePorts } from "./shell.js";

const PUBLISH = `curl -k -d "一条完全任意的消息" "https://localhost:8081/pub?topic=example"`;

/** Its key is none that RFC 6455 allows. */
const SUBSCRIBE = `curl -k -i -N -H "Connection: Upgrade" \\
	-H "Upgrade: websocket" \\
	-H "Host: localhost:8081" \\
	-H "Origin:http://localhost:8081" \\
	-H "Sec-Websocket-Version: 13" \\
	-H "Sec-Websocket-Key: memmq" \\
	"https://localhost:8081/sub?topic=example"`;

it("memmq.bin --persist, and curl to publish and to subscribe", async () => {
  const port = await withFreePorts([8081]);
  const shell = new Shell();
  // The port is that of the README unless somebody else has it.
  const server = shell.program(`memmq.bin --persist ${port("--address=:8081")}`);
  await portOf(server);
  const subscriber = shell.program(port(SUBSCRIBE));
  // curl prints nothing before the first message, not even that it is heard.
  while (!subscriber.text.out.includes("ready")) {
    await shell.output(port("curl -s -k -d ready https://localhost:8081/pub?topic=example"));
  }
  expect(subscriber.text.out).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  const answer = await shell.output(`${port(PUBLISH)} 2>/dev/null`);
  expect(JSON.parse(answer)).toEqual({ code: 200, msg: "请求成功" });
  await subscriber.said("一条完全任意的消息");
  expect(await stop(server)).toBe(0);
  const last = readFileSync(join(shell.directory, "example.mq"), "utf8").trimEnd().split("\n").at(-1) ?? "";
  expect(Buffer.from(JSON.parse(last).payload, "base64").toString()).toBe("一条完全任意的消息");
});

it("memmq.bin --cert_file=cert.pem --key_file=key.pem, at --address=localhost:9091", async () => {
  const port = await withFreePorts([9091]);
  const shell = new Shell();
  const authority = await Authority.create();
  const issued = await authority.issue({ names: ["localhost"] });
  writeCertificate(shell.directory, { cert: issued.cert, key: issued.key }, "cert");
  writeCertificate(shell.directory, { cert: authority.cert, key: issued.key }, "ca");
  const server = shell.program(port("memmq.bin --address=localhost:9091 --cert_file=cert.pem --key_file=cert-key.pem"));
  await portOf(server);
  const answer = await shell.output(port('curl -s --cacert ca.pem -d x "https://localhost:9091/pub?topic=example"'));
  expect(JSON.parse(answer)).toMatchObject({ code: 200 });
  expect(await stop(server)).toBe(0);
});

it("memmq.bin --transport=grpc", async () => {
  const port = await withFreePorts([8081]);
  const shell = new Shell();
  const server = shell.program(`memmq.bin --transport=grpc ${port("--address=:8081")}`);
  await server.said(/ gRPC {7}\S+:\d+, over TLS\n/);
  const shown = await shell.output(port("openssl s_client -alpn h2 -connect localhost:8081 </dev/null 2>&1"));
  expect(shown).toContain("ALPN protocol: h2");
  expect(await stop(server)).toBe(0);
});
