/**
 * Requests about the connections of the broker, and about who takes messages.
 */
import { Op } from "../../protocol/op.js";
import { badArgument } from "../arguments/argument-checks.js";
import { ask, look } from "../connection/ask.js";
import type { Connection } from "../connection/connection.js";
import { CountRequest, ResultRequest } from "../connection/pending-request.js";
import type { ConnectionInfo, ConsumerInfo } from "./connection-info.js";
import { PAGE_SIZE } from "./pages.js";
import { readConnectionPage, readConsumerPage } from "./results.js";

export class ConnectionAdmin {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async *connections(): AsyncGenerator<ConnectionInfo, void> {
    for (let after = 0, more = true; more; ) {
      const page = await look(
        this.#connection,
        Op.CONNECTIONS,
        [after, PAGE_SIZE],
        new ResultRequest(readConnectionPage),
      );
      yield* page.items;
      after = page.items.at(-1)?.id ?? 0;
      more = page.more && after > 0;
    }
  }

  async *consumers(): AsyncGenerator<ConsumerInfo, void> {
    for (let shard = 0; shard < this.#connection.info.shards; shard++) {
      for (let after = 0, more = true; more; ) {
        const head = [shard, after, PAGE_SIZE];
        const page = await look(this.#connection, Op.CONSUMERS, head, new ResultRequest(readConsumerPage));
        yield* page.items;
        after = page.items.at(-1)?.number ?? 0;
        more = page.more && after > 0;
      }
    }
  }

  async close(id: number): Promise<boolean> {
    if (!Number.isSafeInteger(id) || id < 1) throw badArgument("id", id, "the id of a connection");
    return (await ask(this.#connection, Op.CLOSE_CONNECTION, [id], new CountRequest())) > 0;
  }
}
