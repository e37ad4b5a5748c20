/**
 * The certificate that a broker makes and signs itself, in its data directory: one file with certificate and key, so that
 * the two are replaced together or not at all, and one with the certificate alone, which clients may have.
 */
import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { join } from "node:path";
import type { Disk } from "../../journal/disk.js";
import { isDiskFault } from "../../journal/disk-fault.js";
import { PUBLIC_CERTIFICATE, SELF_SIGNED } from "../../journal/layout.js";
import { readSmallFile, replaceFile } from "../../journal/whole-file.js";
import type { CertificateInput, CertificateResult } from "./job.js";

const DAY = 24 * 3_600_000;

/** Before the end of a certificate: time for whoever has to be given the next one. */
export const RENEW_BEFORE = 30 * DAY;

/** Of a file that holds a certificate and a key. Ours has two. */
const MAX_FILE_BYTES = 64 * 1024;

/** The parts of a file. */
interface Kept {
  readonly certificate: X509Certificate;
  readonly key: KeyObject;
}

/** Never fails for what is in the directory, or for what is wrong with it. */
export const certificate = async (disk: Disk, input: CertificateInput): Promise<CertificateResult> => {
  const { directory, names, now, current } = input;
  const onDisk = directory === undefined ? undefined : read(disk, join(directory, SELF_SIGNED));
  const texts = [onDisk, current].filter((text) => text !== undefined);
  const kept = texts.map((text) => parse(text));
  const faults = kept.map((each) => faultOf(each, names, now));
  const good = texts[faults.indexOf(undefined)];
  const unwritten = (pem: string): string | undefined =>
    directory === undefined ? undefined : write(disk, directory, pem, pem !== onDisk);
  if (good !== undefined) return { pem: good, made: undefined, unwritten: unwritten(good) };
  // With it come the packages that make certificates, which most starts need not load.
  const { makeCertificate } = await import("./certificate-maker.js");
  const pem = await makeCertificate(names, now, kept.find((each) => each !== undefined && isOurs(each))?.key);
  return { pem, made: faults[0] ?? "there was none", unwritten: unwritten(pem) };
};

/**
 * A certificate of ours has the same key for as long as there is one: whoever has pinned the key is not turned away on the
 * day on which the broker renews it, and a key that could be read by others is no safer for being new.
 */
const isOurs = ({ certificate, key }: Kept): boolean =>
  key.asymmetricKeyDetails?.namedCurve === "prime256v1" &&
  certificate.checkPrivateKey(key) &&
  certificate.verify(createPublicKey(key));

/** Why a certificate must be made anew; undefined: it is good. */
const faultOf = (kept: Kept | undefined, names: readonly string[], now: number): string | undefined => {
  if (kept === undefined) return "the one in the data directory is damaged";
  if (!isOurs(kept)) return "the one in the data directory is not the broker's own";
  const { certificate } = kept;
  if (now >= Date.parse(certificate.validTo)) return "the last one has expired";
  if (now >= Date.parse(certificate.validTo) - RENEW_BEFORE) return "the last one is about to expire";
  if (now < Date.parse(certificate.validFrom)) return "the last one is not valid yet";
  const missing = names.find((name) => !isFor(certificate, name));
  return missing === undefined ? undefined : `the last one was not for ${missing}`;
};

const isFor = (certificate: X509Certificate, name: string): boolean =>
  (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined;

const read = (disk: Disk, path: string): string | undefined => {
  try {
    const bytes = readSmallFile(disk, path, MAX_FILE_BYTES);
    return bytes === undefined ? "" : new TextDecoder().decode(bytes);
  } catch (error) {
    // What cannot be read is as good as damaged: it will be replaced, and the log says why if that fails too.
    return isMissing(error) ? undefined : "";
  }
};

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === "ENOENT";

const parse = (text: string): Kept | undefined => {
  try {
    return { certificate: new X509Certificate(text), key: createPrivateKey(text) };
  } catch {
    return undefined;
  }
};

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----\n?/;

/** Writes what is not there already. Answers why it cannot. */
const write = (disk: Disk, directory: string, pem: string, isNew: boolean): string | undefined => {
  const publicPem = CERTIFICATE.exec(pem)?.[0] ?? "";
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  try {
    if (isNew) replaceFile(disk, directory, SELF_SIGNED, bytes(pem), "secret");
    if (read(disk, join(directory, PUBLIC_CERTIFICATE)) !== publicPem) {
      replaceFile(disk, directory, PUBLIC_CERTIFICATE, bytes(publicPem));
    }
    return undefined;
  } catch (error) {
    if (!isDiskFault(error)) throw error;
    return error.message;
  }
};
