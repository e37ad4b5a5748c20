/**
 * A program's TLS options as node:tls takes them. It needs Node and is loaded only when it is asked for.
 */
import { X509Certificate } from "node:crypto";
import { type ConnectionOptions, createSecureContext, type SecureContextOptions } from "node:tls";
import type { TlsOptions } from "../arguments/options.js";
import { localError } from "../base/error.js";

const asText = (pem: string | Uint8Array): string => (typeof pem === "string" ? pem : new TextDecoder().decode(pem));

/** Node takes an authority that it cannot read for none. */
const checkAuthority = (pem: string): string => {
  try {
    if (pem.includes("-----BEGIN ")) {
      new X509Certificate(pem);
      return pem;
    }
  } catch (error) {
    throw localError("BAD_ARGUMENT", "tls.ca must be a certificate in PEM, or several; it cannot be read", error);
  }
  throw localError("BAD_ARGUMENT", "tls.ca must be a certificate in PEM, not the path of one");
};

/** Throws BAD_ARGUMENT when a certificate or key cannot be used. The server is always verified. */
export const secureOptions = (given: TlsOptions): ConnectionOptions => {
  const { ca, cert, key, passphrase, serverName } = given;
  const options: SecureContextOptions = { minVersion: "TLSv1.2" };
  if (ca !== undefined) {
    const list = typeof ca === "string" || ca instanceof Uint8Array ? [ca] : ca;
    options.ca = list.map((each) => checkAuthority(asText(each)));
  }
  if (cert !== undefined) options.cert = asText(cert);
  if (key !== undefined) options.key = asText(key);
  if (passphrase !== undefined) options.passphrase = passphrase;
  try {
    const secureContext = createSecureContext(options);
    return { secureContext, rejectUnauthorized: true, ...(serverName !== undefined && { servername: serverName }) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const text = "tls.cert and tls.key must be a certificate in PEM and its private key";
    throw localError("BAD_ARGUMENT", `${text}; node:tls does not take them: ${reason}`, error);
  }
};
