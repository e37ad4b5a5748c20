/**
 * Lists of what every shard has, which are asked for a page at a time.
 */
import { look } from "../connection/ask.js";
import type { Connection } from "../connection/connection.js";
import { ResultRequest } from "../connection/pending-request.js";
import type { Page } from "./results.js";

/** Items of one page. */
export const PAGE_SIZE = 100;

/** All items, ordered by name within each shard. `op` is TOPICS or CHANNELS. */
export async function* pages<T extends { readonly name: string }>(
  connection: Connection,
  op: number,
  read: (value: unknown) => Page<T>,
): AsyncGenerator<T, void> {
  for (let shard = 0; shard < connection.info.shards; shard++) {
    for (let after = "", more = true; more; ) {
      const page = await look(connection, op, [shard, after, PAGE_SIZE], new ResultRequest(read));
      yield* page.items;
      after = page.last ?? page.items.at(-1)?.name ?? "";
      more = page.more && after !== "";
    }
  }
}
