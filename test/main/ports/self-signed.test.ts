import { X509Certificate } from "node:crypto";
import { hostname } from "node:os";
import { expect, it, onTestFinished } from "vitest";
import { nodeDisk } from "../../../src/journal/node-disk.js";
import { SILENT } from "../../../src/main/log.js";
import { namesOfBroker, SelfSigned, type SelfSignedParts } from "../../../src/main/ports/self-signed.js";
import { certificate } from "../../../src/workers/jobs/certificate.js";
import type { CertificateInput } from "../../../src/workers/jobs/job.js";

const DAY = 24 * 3_600_000;
const OPTIONS = {
  tcp: "off",
  http: { host: "Broker.Example", port: 0 },
  allowHost: ["also.example"],
  grpc: "off",
  tcpTls: undefined,
  grpcTls: undefined,
  httpTls: "self-signed",
  data: "nowhere",
  durability: "memory",
  log: SILENT,
} as const;

/** The job without a thread. */
const pool = {
  run: async (job: object) => ({ ok: true, result: await certificate(nodeDisk, job as CertificateInput) }),
} as unknown as SelfSignedParts["pool"];

it("is for what the broker is told to listen on and to answer to, for the machine, and for the loopback", () => {
  const names = namesOfBroker(OPTIONS);
  expect(names.slice(0, 3)).toEqual(["broker.example", "also.example", hostname().toLowerCase()]);
  expect(names).toEqual(expect.arrayContaining(["localhost", "127.0.0.1", "::1"]));
  expect(new Set(names).size).toBe(names.length);
  const everywhere = namesOfBroker({ ...OPTIONS, tcp: { host: "0.0.0.0", port: 1 }, http: { host: "::", port: 1 } });
  expect(everywhere).not.toContain("::");
  expect(everywhere).not.toContain("0.0.0.0");
});

it("is made for nobody who does not ask for it", async () => {
  expect(await SelfSigned.open({ options: { ...OPTIONS, httpTls: undefined }, pool })).toBeUndefined();
});

it("is renewed by a broker that runs, once when it is due, and by no other look", async () => {
  let now = Date.now();
  let looks = 0;
  const counted = {
    run: (job: Parameters<SelfSignedParts["pool"]["run"]>[0]) => {
      looks++;
      return pool.run(job);
    },
  } as SelfSignedParts["pool"];
  const own = await SelfSigned.open({ options: OPTIONS, pool: counted, now: () => now });
  onTestFinished(() => own?.stop());
  const first = own?.certificate.validTo.getTime() ?? 0;
  let renewals = 0;
  const renewed = new Promise<void>((resolve) => {
    own?.watch(() => {
      renewals++;
      resolve();
    }, 1);
  });
  const lookedAgain = async (times: number): Promise<void> => {
    const until = looks + times;
    while (looks < until) await new Promise((resolve) => setImmediate(resolve));
  };
  await lookedAgain(3);
  expect(renewals).toBe(0);
  now += 336 * DAY;
  await renewed;
  await lookedAgain(3);
  expect(renewals).toBe(1);
  expect((own?.certificate.validTo.getTime() ?? 0) - first).toBeGreaterThan(335 * DAY);
  expect(new X509Certificate(own?.certificate.settings.cert ?? "").checkHost("broker.example")).toBe("broker.example");
});
