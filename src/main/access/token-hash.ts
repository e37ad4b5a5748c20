/**
 * The hash of a token, as a configuration has it.
 *
 * A token is 256 random bits, so one SHA-256 of it keeps it secret: nobody tries 2^256 of them. Slow hashes are for passwords, of
 * which there are few.
 */
import { createHash } from "node:crypto";

export const HASH_PREFIX = "sha256:";

export const digestOf = (token: string): Buffer => createHash("sha256").update(token, "utf8").digest();

export const hashOf = (token: string): string => HASH_PREFIX + digestOf(token).toString("hex");
