/**
 * Questions about what becomes of messages.
 */
import { Op } from "../../protocol/op.js";
import { names, readOptions } from "../arguments/option-reader.js";
import { PublishChecks } from "../arguments/publish-checks.js";
import { look } from "../connection/ask.js";
import type { Connection } from "../connection/connection.js";
import { ResultRequest } from "../connection/pending-request.js";
import type { ExplainOptions, Finding } from "./finding.js";
import { readFindings } from "./results.js";

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
}
