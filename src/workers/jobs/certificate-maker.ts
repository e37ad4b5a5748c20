/** Makes a certificate that signs itself (RFC 5280): ECDSA on P-256 with SHA-256, for a year. */
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIP } from "node:net";
import {
  bitString,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  set,
  TRUE,
  tagged,
  time,
  utf8String,
  wrapped,
} from "./der.js";

const HOUR = 3_600_000;
const YEAR = 365 * 24 * HOUR;

/** Clients whose clocks are behind take it at once. */
const CLOCK_SKEW = HOUR;

/** What a common name has room for; longer names are among the alternative names alone. */
const MAX_COMMON_NAME = 64;

/** X.509 wants a positive number of at most 20 bytes. */
const SERIAL_BYTES = 16;

/** Of a point on P-256 in a public key, which it ends with: a byte for the form, two coordinates. */
const POINT_BYTES = 65;

const ECDSA_WITH_SHA256 = sequence(objectIdentifier("1.2.840.10045.4.3.2"));
const COMMON_NAME = objectIdentifier("2.5.4.3");
const SERVER_AUTHENTICATION = objectIdentifier("1.3.6.1.5.5.7.3.1");

const VERSION_3 = wrapped(0, integer(Buffer.of(2)));

const EXTENSIONS = 3;

/** The names of SubjectAltName. */
const DNS_NAME = 2;
const IP_ADDRESS = 7;

/** Of KeyUsage, the first bit of a byte. */
const DIGITAL_SIGNATURE = 0x80;
const OTHER_BITS = 7;

const extension = (id: string, contents: Buffer): Buffer => sequence(objectIdentifier(id), octetString(contents));

/** A client that does not know it must refuse the certificate. */
const criticalExtension = (id: string, contents: Buffer): Buffer =>
  sequence(objectIdentifier(id), TRUE, octetString(contents));

const serialNumber = (): Buffer => {
  const bytes = randomBytes(SERIAL_BYTES);
  bytes[0] = (Number(bytes[0]) & 0x7f) | 0x40;
  return bytes;
};

/** The 4 or 16 bytes of an address. */
const addressBytes = (address: string): Buffer => {
  if (isIP(address) === 4) return Buffer.from(address.split(".").map(Number));
  // As a URL has it, the groups are hexadecimal, also those of an IPv4 address inside.
  const [head = "", tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const groups = (text = ""): string[] => text.split(":").filter((group) => group !== "");
  const before = groups(head);
  const after = groups(tail);
  const zeros = Array<string>(8 - before.length - after.length).fill("0");
  return Buffer.from([...before, ...zeros, ...after].map((group) => group.padStart(4, "0")).join(""), "hex");
};

const alternativeName = (name: string): Buffer =>
  isIP(name) === 0 ? tagged(DNS_NAME, Buffer.from(name)) : tagged(IP_ADDRESS, addressBytes(name));

/**
 * For these DNS names and addresses, from `now` on (milliseconds since 1970). Answers the certificate and its private key
 * in PEM. Without a key it makes one.
 */
export const makeCertificate = (names: readonly string[], now: number, given: KeyObject | undefined): string => {
  const key = given ?? generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const publicKey = createPublicKey(key).export({ type: "spki", format: "der" });
  const [first = "localhost"] = names;
  const commonName = utf8String(first.length > MAX_COMMON_NAME ? "localhost" : first);
  const name = sequence(set(sequence(COMMON_NAME, commonName)));
  const point = publicKey.subarray(-POINT_BYTES);
  const contents = sequence(
    VERSION_3,
    integer(serialNumber()),
    ECDSA_WITH_SHA256,
    name,
    sequence(time(now - CLOCK_SKEW), time(now + YEAR)),
    name,
    publicKey,
    wrapped(
      EXTENSIONS,
      sequence(
        // Basic constraints: no authority. Whoever trusts it trusts this broker, and nobody that it could sign for.
        criticalExtension("2.5.29.19", sequence()),
        // Key usage.
        criticalExtension("2.5.29.15", bitString(Buffer.of(DIGITAL_SIGNATURE), OTHER_BITS)),
        // Extended key usage.
        extension("2.5.29.37", sequence(SERVER_AUTHENTICATION)),
        // Subject alternative name.
        extension("2.5.29.17", sequence(...names.map(alternativeName))),
        // Subject key identifier, by the first method of RFC 5280.
        extension("2.5.29.14", octetString(createHash("sha1").update(point).digest())),
      ),
    ),
  );
  const certificate = sequence(contents, ECDSA_WITH_SHA256, bitString(sign("sha256", contents, key)));
  const base64 = certificate.toString("base64").replaceAll(/.{1,64}/g, "$&\n");
  const pem = `-----BEGIN CERTIFICATE-----\n${base64}-----END CERTIFICATE-----\n`;
  return `${key.export({ type: "pkcs8", format: "pem" })}${pem}`;
};
