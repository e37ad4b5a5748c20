/**
 * Finds the shard of a frame by the first element of its head: a name, which is hashed, or the number of a shard. The rest
 * of the head is not read.
 */
import xxhash from "xxhash-wasm";

/** The head's first element is neither a name nor the number of a shard that exists. */
export const NO_ROUTE = -1;

/** The msgpack types that may begin a head or its first element: https://github.com/msgpack/msgpack/blob/master/spec.md */
const Pack = {
  FIXINT_END: 0x80,
  FIXARRAY: 0x90,
  FIXARRAY_END: 0xa0,
  FIXSTR: 0xa0,
  FIXSTR_END: 0xc0,
  UINT8: 0xcc,
  UINT16: 0xcd,
  UINT32: 0xce,
  STR8: 0xd9,
  STR16: 0xda,
  ARRAY16: 0xdc,
  ARRAY32: 0xdd,
} as const;

type Hash = (bytes: Uint8Array) => number;

/** Where the first element of an array begins, or -1 when there is none. */
const firstElement = (view: DataView, at: number, end: number): number => {
  if (at >= end) return -1;
  const byte = view.getUint8(at);
  if (byte > Pack.FIXARRAY && byte < Pack.FIXARRAY_END) return at + 1;
  if (byte === Pack.ARRAY16) return at + 3;
  if (byte === Pack.ARRAY32) return at + 5;
  return -1;
};

export class Router {
  constructor(
    readonly shards: number,
    private readonly hash: Hash,
  ) {}

  static async create(shards: number): Promise<Router> {
    const { h32Raw } = await xxhash();
    return new Router(shards, (bytes) => h32Raw(bytes));
  }

  /** The shard of the head at [start, end), or NO_ROUTE. */
  route(bytes: Uint8Array, view: DataView, start: number, end: number): number {
    const at = firstElement(view, start, end);
    if (at < 0 || at >= end) return NO_ROUTE;
    const byte = view.getUint8(at);
    const left = end - at - 1;
    if (byte < Pack.FIXINT_END) return this.#numbered(byte);
    if (byte >= Pack.FIXSTR && byte < Pack.FIXSTR_END) return this.#named(bytes, at + 1, byte - Pack.FIXSTR, end);
    if (byte === Pack.STR8 && left >= 1) return this.#named(bytes, at + 2, view.getUint8(at + 1), end);
    if (byte === Pack.STR16 && left >= 2) return this.#named(bytes, at + 3, view.getUint16(at + 1), end);
    if (byte === Pack.UINT8 && left >= 1) return this.#numbered(view.getUint8(at + 1));
    if (byte === Pack.UINT16 && left >= 2) return this.#numbered(view.getUint16(at + 1));
    if (byte === Pack.UINT32 && left >= 4) return this.#numbered(view.getUint32(at + 1));
    return NO_ROUTE;
  }

  #numbered(shard: number): number {
    return shard < this.shards ? shard : NO_ROUTE;
  }

  #named(bytes: Uint8Array, start: number, length: number, end: number): number {
    if (length > end - start) return NO_ROUTE;
    return this.shards === 1 ? 0 : this.hash(bytes.subarray(start, start + length)) % this.shards;
  }
}
