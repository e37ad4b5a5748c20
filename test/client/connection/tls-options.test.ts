/** The option `tls` of `connect`: what is refused before anything is sent, and why. */
import { describe, expect, it } from "vitest";
import type { TlsOptions } from "../../../src/client/arguments/options.js";
import { RingmqError } from "../../../src/client/base/error.js";
import { connect } from "../../../src/client/connect.js";
import { readTls } from "../../../src/client/page/page-tls-checks.js";
import { Authority } from "../../certificates.js";

const authority = await Authority.create();
const { cert, key } = await authority.issue();
const { key: another } = await authority.issue();

/** Nobody listens there: who comes so far fails otherwise. */
const refusal = async (tls: unknown, url = "tls://127.0.0.1:1"): Promise<string> => {
  const error: unknown = await connect(url, { tls: tls as TlsOptions }).catch((reason: unknown) => reason);
  if (!(error instanceof RingmqError)) throw new Error(`not refused as it should be: ${String(error)}`);
  return `${error.code}: ${error.message}`;
};

describe.each(["tls", "wss"])("the option tls of an address with %s", (scheme) => {
  it.each([
    [5, "options must be an object"],
    [{ cafile: "x" }, "there is no option"],
    [{ ca: "" }, "tls.ca must be a certificate in PEM, or a list of some"],
    [{ ca: [] }, "tls.ca must be a certificate in PEM, or a list of some"],
    [{ ca: [5] }, "tls.ca must be a certificate in PEM, or a list of some"],
    [{ ca: "/etc/ssl/ca.pem" }, "tls.ca must be a certificate in PEM, not the path of one"],
    [{ ca: "-----BEGIN CERTIFICATE-----\nx" }, "tls.ca must be a certificate in PEM, or several; it cannot be read"],
    [{ cert }, "tls.cert needs tls.key"],
    [{ key }, "tls.key needs tls.cert"],
    [{ cert: 5, key }, "tls.cert must be PEM, as text or bytes"],
    [{ cert, key: another }, "tls.cert and tls.key must be a certificate in PEM and its private key"],
    [{ cert: "x", key: "y" }, "tls.cert and tls.key must be"],
    [{ passphrase: 5 }, "tls.passphrase must be text"],
    [{ serverName: "10.0.0.1" }, "tls.serverName must be a DNS name"],
    [{ serverName: "" }, "tls.serverName must be a DNS name"],
  ])("is refused: %#", async (tls, text) => {
    const message = await refusal(tls, `${scheme}://127.0.0.1:1`);
    expect(message).toMatch(/^BAD_ARGUMENT: /);
    expect(message).toContain(text);
    expect(message).not.toContain("PRIVATE");
  });

  it("is taken as text and as bytes", async () => {
    const bytes = (pem: string): Uint8Array => new TextEncoder().encode(pem);
    const tls = { ca: [bytes(authority.cert), authority.cert], cert: bytes(cert), key, serverName: "broker.example" };
    expect(await refusal(tls, `${scheme}://127.0.0.1:1`)).toMatch(/^CONNECT_FAILED: nothing listens on/);
  });
});

it.each(["tcp://127.0.0.1:1", "ws://127.0.0.1:1"])("the option tls is not for %s", async (url) => {
  expect(await refusal({ ca: authority.cert }, url)).toBe(
    `BAD_ARGUMENT: the option tls needs an address with tls:// or wss://; it is ${url}`,
  );
});

it("a browser takes none of it", () => {
  expect(readTls).toThrow("leave out tls");
});
