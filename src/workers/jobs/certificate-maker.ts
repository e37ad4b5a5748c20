/** Makes a certificate that signs itself: ECDSA on P-256 with SHA-256, for a year. */
// For the container of dependencies inside @peculiar/x509.
import "reflect-metadata";
import { createPublicKey, KeyObject, randomBytes, webcrypto } from "node:crypto";
import { isIP } from "node:net";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const PKCS8 = { type: "pkcs8", format: "pem" } as const;

const HOUR = 3_600_000;
const YEAR = 365 * 24 * HOUR;

/** Clients whose clocks are behind take it at once. */
const CLOCK_SKEW = HOUR;

/** What a common name has room for; longer names are among the alternative names alone. */
const MAX_COMMON_NAME = 64;

/** X.509 wants a positive number of at most 20 bytes. */
const SERIAL_BYTES = 16;

const serialNumber = (): string => {
  const bytes = randomBytes(SERIAL_BYTES);
  bytes[0] = (Number(bytes[0]) & 0x7f) | 0x40;
  return bytes.toString("hex");
};

/**
 * For these DNS names and addresses, from `now` on (milliseconds since 1970). Answers the certificate and its private key
 * in PEM. Without a key it makes one.
 */
export const makeCertificate = async (
  names: readonly string[],
  now: number,
  key: KeyObject | undefined,
): Promise<string> => {
  const keys = key === undefined ? await newKeys() : await keysOf(key);
  const [first = "localhost"] = names;
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serialNumber(),
      name: [{ CN: [first.length > MAX_COMMON_NAME ? "localhost" : first] }],
      notBefore: new Date(now - CLOCK_SKEW),
      notAfter: new Date(now + YEAR),
      signingAlgorithm: ALGORITHM,
      keys,
      extensions: [
        // Not an authority: whoever trusts it trusts this broker, and nobody that it could sign for.
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        new SubjectAlternativeNameExtension(
          names.map((value) => ({ type: isIP(value) === 0 ? ("dns" as const) : ("ip" as const), value })),
        ),
        await SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return `${KeyObject.from(keys.privateKey).export(PKCS8)}${certificate.toString("pem")}\n`;
};

const newKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);

const keysOf = async (key: KeyObject): Promise<webcrypto.CryptoKeyPair> => {
  const spki = createPublicKey(key).export({ type: "spki", format: "der" });
  const pkcs8 = key.export({ type: "pkcs8", format: "der" });
  return {
    publicKey: await webcrypto.subtle.importKey("spki", spki, ALGORITHM, true, ["verify"]),
    privateKey: await webcrypto.subtle.importKey("pkcs8", pkcs8, ALGORITHM, true, ["sign"]),
  };
};
