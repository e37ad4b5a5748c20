/**
 * Requests about topics and queues as a whole.
 */
import { Op } from "../../protocol/op.js";
import { badArgument, checkObject } from "../arguments/argument-checks.js";
import { names, readOptions } from "../arguments/option-reader.js";
import type { BackupSummary, QueueOptions, TopicConfig, TopicStatistics } from "../arguments/options.js";
import { PublishChecks } from "../arguments/publish-checks.js";
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

const OPTIONS = names("queue");

export class TopicAdmin {
  readonly #connection: Connection;
  readonly #checks: PublishChecks;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#checks = new PublishChecks(connection.info.limits.maxNameBytes);
  }

  async pause(topic: string, options: QueueOptions): Promise<void> {
    const queue = this.#queueOf(topic, options);
    await ask(this.#connection, Op.PAUSE, [topic, queue], new CountRequest());
  }

  async resume(topic: string, options: QueueOptions): Promise<void> {
    const queue = this.#queueOf(topic, options);
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
    this.#checkQueue(queue);
    await ask(this.#connection, Op.DECLARE_QUEUE, [topic, queue], new CountRequest());
  }

  async deleteQueue(topic: string, queue: string): Promise<number> {
    this.#checks.name("topic", topic);
    this.#checkQueue(queue);
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

  #queueOf(topic: string, options: QueueOptions): string | undefined {
    this.#checks.name("topic", topic);
    const { queue } = readOptions(options, OPTIONS);
    this.#checks.key("queue", queue);
    return queue;
  }

  /** It must be named. */
  #checkQueue(queue: unknown): void {
    const { maxNameBytes } = this.#connection.info.limits;
    if (queue === undefined) throw badArgument("queue", queue, `text of at most ${maxNameBytes} bytes`);
    this.#checks.key("queue", queue);
  }
}
