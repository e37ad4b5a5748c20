/**
 * Requests about topics and queues as a whole.
 */
import { Op } from "../../protocol/op.js";
import { badArgument, checkObject } from "../arguments/argument-checks.js";
import { OPTIONS } from "../arguments/option-reader.js";
import type { BackupSummary, QueueOptions, TopicConfig, TopicStatistics } from "../arguments/options.js";
import type { RequestChecks } from "../arguments/request-checks.js";
import { ask, look } from "../connection/ask.js";
import type { Connection } from "../connection/connection.js";
import { CountRequest, Patience, ResultRequest } from "../connection/pending-request.js";
import { requestHead } from "../connection/request-head.js";
import { pages } from "./pages.js";
import { readBackupSummary, readConfig, readStatistics, readTopicPage } from "./results.js";

/** It takes as long as it takes. */
class BackupRequest extends ResultRequest<BackupSummary> {
  override get patience(): Patience {
    return Patience.UNTIL_SENT;
  }
}

export class TopicAdmin {
  readonly #connection: Connection;
  readonly #checks: RequestChecks;

  constructor(connection: Connection, checks: RequestChecks) {
    this.#connection = connection;
    this.#checks = checks;
  }

  async pause(topic: string, options: QueueOptions): Promise<void> {
    const { queue } = this.#checks.topic(topic, options, OPTIONS.queue);
    await ask(this.#connection, Op.PAUSE, [topic, queue], new CountRequest());
  }

  async resume(topic: string, options: QueueOptions): Promise<void> {
    const { queue } = this.#checks.topic(topic, options, OPTIONS.queue);
    await ask(this.#connection, Op.RESUME, [topic, queue], new CountRequest());
  }

  async configure(topic: string, config: Partial<TopicConfig>): Promise<TopicConfig> {
    this.#checks.name("topic", topic);
    checkObject("config", config);
    const pending = new ResultRequest(readConfig);
    // The broker checks what is in it. Here it is read once, by the encoding.
    this.#connection.request(Op.CONFIGURE, requestHead([topic, config], "config"), pending);
    return pending.promise;
  }

  async declareQueue(topic: string, queue: string): Promise<void> {
    this.#checks.name("topic", topic);
    this.#checks.queue(queue);
    await ask(this.#connection, Op.DECLARE_QUEUE, [topic, queue], new CountRequest());
  }

  async deleteQueue(topic: string, queue: string): Promise<number> {
    this.#checks.name("topic", topic);
    this.#checks.queue(queue);
    return ask(this.#connection, Op.DELETE_QUEUE, [topic, queue], new CountRequest());
  }

  async deleteTopic(topic: string): Promise<number> {
    this.#checks.name("topic", topic);
    return ask(this.#connection, Op.DELETE_TOPIC, [topic], new CountRequest());
  }

  async stats(topic: string): Promise<TopicStatistics> {
    this.#checks.name("topic", topic);
    return look(this.#connection, Op.STATS, [topic], new ResultRequest(readStatistics));
  }

  topics(): AsyncGenerator<TopicStatistics, void> {
    return pages(this.#connection, Op.TOPICS, readTopicPage);
  }

  async backup(directory: string): Promise<BackupSummary> {
    if (typeof directory !== "string" || directory === "") throw badArgument("directory", directory, "a path");
    return ask(this.#connection, Op.BACKUP, [directory], new BackupRequest(readBackupSummary));
  }
}
