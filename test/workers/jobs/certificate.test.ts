/** The certificate that a broker makes: what is in it, when it is made anew, and what is left when a write fails. */
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import type { Disk } from "../../../src/journal/disk.js";
import { nodeDisk } from "../../../src/journal/node-disk.js";
import { certificate } from "../../../src/workers/jobs/certificate.js";
import { Authority } from "../../certificates.js";
import { makeDirectory, removeDirectory } from "../../directories.js";
import { FaultyDisk, type Operation } from "../../journal/faulty-disk.js";

const DAY = 24 * 3_600_000;
const NOW = Date.parse("2026-11-28T20:00:00Z");
const NAMES = ["broker.example", "localhost", "127.0.0.1", "::1", "2001:db8::7"];

const OPERATIONS: readonly Operation[] = [
  "open",
  "create",
  "read",
  "write",
  "sync",
  "rename",
  "remove",
  "syncDirectory",
];

const directory = (): string => {
  const path = makeDirectory();
  onTestFinished(() => removeDirectory(path));
  return path;
};

const ask = (path: string | undefined, now = NOW, names = NAMES, current?: string, disk: Disk = nodeDisk) =>
  certificate(disk, { directory: path, names, now, current });

const x509 = (pem: string): X509Certificate => new X509Certificate(pem);
const spki = (pem: string): string => String(x509(pem).publicKey.export({ type: "spki", format: "pem" }));

it("is ECDSA on P-256 with SHA-256, for a year, for all names and addresses, and no authority", async () => {
  const path = directory();
  const { pem, made, unwritten } = await ask(path);
  expect([made, unwritten]).toEqual(["there was none", undefined]);
  const text = execFileSync("openssl", ["x509", "-noout", "-text"], { input: pem, encoding: "utf8" });
  expect(text).toContain("Signature Algorithm: ecdsa-with-SHA256");
  expect(text).toContain("NIST CURVE: P-256");
  expect(text).toContain("Not Before: Nov 28 19:00:00 2026 GMT");
  expect(text).toContain("Not After : Nov 28 20:00:00 2027 GMT");
  expect(text).toMatch(/Subject: CN ?= ?broker\.example/);
  expect(text).toMatch(/Basic Constraints: critical\n\s+CA:FALSE/);
  expect(text).toMatch(/Key Usage: critical\n\s+Digital Signature\n/);
  expect(text).toContain("TLS Web Server Authentication");
  expect(text).toContain(
    "DNS:broker.example, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, IP Address:2001:DB8:0:0:0:0:0:7",
  );
  const file = join(path, "self-signed.pem");
  expect(readFileSync(file, "utf8")).toBe(pem);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const forClients = readFileSync(join(path, "certificate.pem"), "utf8");
  expect(forClients).not.toContain("PRIVATE");
  expect(x509(forClients).fingerprint256).toBe(x509(pem).fingerprint256);
  // Who is given the certificate alone can check the broker by it.
  const verified = execFileSync("openssl", ["verify", "-CAfile", join(path, "certificate.pem"), "-no_check_time"], {
    input: forClients,
    encoding: "utf8",
  });
  expect(verified).toContain("OK");
});

it("stays until 30 days before its end, and then has the same key and another serial number", async () => {
  const path = directory();
  const first = await ask(path);
  const asLong = await ask(path, NOW + 334 * DAY);
  expect(asLong).toEqual({ pem: first.pem, made: undefined, unwritten: undefined });
  const renewed = await ask(path, NOW + 335 * DAY + 1);
  expect(renewed.made).toBe("the last one is about to expire");
  expect(spki(renewed.pem)).toBe(spki(first.pem));
  expect(x509(renewed.pem).serialNumber).not.toBe(x509(first.pem).serialNumber);
  expect(Date.parse(x509(renewed.pem).validTo)).toBe(NOW + (335 + 365) * DAY);
  expect((await ask(path, NOW + 336 * DAY)).pem).toBe(renewed.pem);
});

it("is made anew, and said why, for an end, a name, a clock that was wrong", async () => {
  const path = directory();
  const first = await ask(path);
  expect((await ask(path, NOW + 400 * DAY)).made).toBe("the last one has expired");
  const early = await ask(path);
  expect(early.made).toBe("the last one is not valid yet");
  expect((await ask(path, NOW, ["localhost"])).made).toBeUndefined();
  const moved = await ask(path, NOW, [...NAMES, "10.0.0.7"]);
  expect(moved.made).toBe("the last one was not for 10.0.0.7");
  expect(spki(moved.pem)).toBe(spki(first.pem));
});

it("takes the place of what is damaged or another's, with a key of its own", async () => {
  const path = directory();
  const { pem } = await ask(path);
  const issued = await (await Authority.create()).issue();
  for (const [text, why] of [
    ["", "damaged"],
    [pem.slice(0, -200), "damaged"],
    [pem.replaceAll("A", "B"), "damaged"],
    ["x".repeat(100_000), "damaged"],
    [`${issued.key}\n${issued.cert}`, "not the broker's own"],
    [`${issued.key}\n${x509(pem).toString()}`, "not the broker's own"],
  ] as const) {
    writeFileSync(join(path, "self-signed.pem"), text);
    const { made, pem: next } = await ask(path);
    expect(made).toContain(why);
    expect(spki(next)).not.toBe(spki(pem));
    expect(readFileSync(join(path, "self-signed.pem"), "utf8")).toBe(next);
  }
});

it("is in memory without a directory, and is renewed there", async () => {
  const { pem } = await ask(undefined);
  expect((await ask(undefined, NOW + DAY, NAMES, pem)).pem).toBe(pem);
  const renewed = await ask(undefined, NOW + 340 * DAY, NAMES, pem);
  expect(spki(renewed.pem)).toBe(spki(pem));
});

it("is the last one or the next one after any fault of the disk, and serves though it cannot be written", async () => {
  for (let nth = 1; nth < 40; nth++) {
    const path = directory();
    const before = await ask(path);
    const disk = new FaultyDisk(nodeDisk);
    disk.fault = { operations: OPERATIONS, from: nth, times: 1, code: "EIO", syscall: "write" };
    const { pem, unwritten } = await ask(path, NOW + 340 * DAY, NAMES, undefined, disk);
    const file = readFileSync(join(path, "self-signed.pem"), "utf8");
    expect([before.pem, pem]).toContain(file);
    if (disk.hits === 0) return expect(readdirSync(path).sort()).toEqual(["certificate.pem", "self-signed.pem"]);
    if (file !== pem) expect(unwritten).toBeDefined();
    // The next look writes what is in use.
    expect((await ask(path, NOW + 341 * DAY, NAMES, pem)).unwritten).toBeUndefined();
    expect(x509(readFileSync(join(path, "certificate.pem"), "utf8")).fingerprint256).toBe(
      x509(readFileSync(join(path, "self-signed.pem"), "utf8")).fingerprint256,
    );
  }
  throw new Error("there is always another call");
});
