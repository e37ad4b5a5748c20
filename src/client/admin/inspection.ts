/**
 * Questions about what becomes of messages.
 */
import { parseId } from "../../protocol/id.js";
import { Op } from "../../protocol/op.js";
import { badArgument } from "../arguments/argument-checks.js";
import { names, readOptions } from "../arguments/option-reader.js";
import { PublishChecks } from "../arguments/publish-checks.js";
import { look } from "../connection/ask.js";
import type { Connection } from "../connection/connection.js";
import { ResultRequest } from "../connection/pending-request.js";
import type { ExplainOptions, Finding } from "./finding.js";
import type { MessageHistory } from "./message-history.js";
import { readFindings, readHistory } from "./results.js";

const OPTIONS = names("queue", "routeKey");

export class Inspection {
  readonly #connection: Connection;
  readonly #checks: PublishChecks;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#checks = new PublishChecks(connection.info.limits.maxNameBytes);
  }

  async explain(topic: string, options: ExplainOptions): Promise<Finding[]> {
    this.#checks.name("topic", topic);
    const { queue, routeKey } = readOptions(options, OPTIONS);
    this.#checks.key("queue", queue);
    this.#checks.key("routeKey", routeKey);
    return look(this.#connection, Op.EXPLAIN, [topic, queue, routeKey], new ResultRequest(readFindings));
  }

  async history(topic: string, id: string): Promise<MessageHistory> {
    this.#checks.name("topic", topic);
    const words = typeof id === "string" ? parseId(id) : undefined;
    if (words === undefined) throw badArgument("id", id, "the id of a message");
    const head = [topic, words.high, words.low];
    return look(this.#connection, Op.HISTORY, head, new ResultRequest(readHistory));
  }
}
