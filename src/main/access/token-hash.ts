/**
 * The hash of a token, as a configuration has it, and how hashes are compared.
 *
 * A token is 256 random bits, so one SHA-256 of it keeps it secret: nobody tries 2^256 of them. Slow hashes are for passwords, of
 * which there are few.
 *
 * The module is asked for and not imported: a test broker in a browser has users where it is told of some, and no such module.
 */
import type * as Crypto from "node:crypto";

const crypto: typeof Crypto | undefined = globalThis.process?.getBuiltinModule?.("node:crypto");

export const HASH_PREFIX = "sha256:";

/** Throws where there are no hashes. */
const cryptoOf = (): typeof Crypto => {
  if (crypto === undefined) throw new Error("users are for Node.js: this platform has no node:crypto");
  return crypto;
};

export const digestOf = (token: string): Buffer => cryptoOf().createHash("sha256").update(token, "utf8").digest();

/** The digest that a hash of the configuration stands for. */
export const digestIn = (hash: string): Buffer => {
  cryptoOf();
  return Buffer.from(hash.slice(HASH_PREFIX.length), "hex");
};

/** Whether two digests are equal, in a time that does not tell where they differ. */
export const isSameDigest = (a: Buffer, b: Buffer): boolean => cryptoOf().timingSafeEqual(a, b);

export const hashOf = (token: string): string => HASH_PREFIX + digestOf(token).toString("hex");
