/**
 * Publishes to one node of several, and to another when that is lost.
 */
import { asBadArgument } from "../arguments/argument-checks.js";
import type { Body, PublishBatchOptions, PublishOptions } from "../arguments/options.js";
import type { RingmqError } from "../base/error.js";
import type { Numbering } from "../publish/numbering.js";
import type { BatchReceipt, Receipt } from "../publish/receipt.js";
import { isForAnotherNode, wasRefused } from "./node-errors.js";
import type { NodeLink } from "./node-link.js";
import { NumberedSend } from "./numbered-send.js";
import { type DatedOptions, publishRepeatable } from "./repeat-list.js";
import { costOf, dateBatchOptions, dateOptions, NO_OPTIONS, optionsNow, readBodies } from "./repeated-publish.js";
import type { RetryQueue, Send } from "./retry-queue.js";

export class NodesPublisher {
  readonly #numbering: Numbering;
  readonly #retries: RetryQueue;
  /** A node to publish to, not the avoided one if there is another. */
  readonly #pick: (avoided: NodeLink | undefined) => NodeLink | undefined;

  constructor(
    numbering: Numbering,
    retries: RetryQueue,
    pick: (avoided: NodeLink | undefined) => NodeLink | undefined,
  ) {
    this.#numbering = numbering;
    this.#retries = retries;
    this.#pick = pick;
  }

  publish(topic: string, body: Body, options: PublishOptions = NO_OPTIONS): Promise<Receipt> {
    try {
      const dated = dateOptions(options);
      const link = this.#pick(undefined);
      if (link?.client !== undefined) {
        return publishRepeatable(link.client.publisher, topic, body, dated, link.repeat);
      }
      const publishing = this.#publishing(topic, body, dated);
      return publishing.until(this.#retries.wait(publishing.send, costOf(body, dated.options)));
    } catch (error) {
      return Promise.reject(asBadArgument(error));
    }
  }

  async publishBatch(
    topic: string,
    bodies: readonly Body[],
    options: PublishBatchOptions = NO_OPTIONS,
  ): Promise<BatchReceipt> {
    const dated = dateBatchOptions(options);
    const { list, cost } = readBodies(bodies, dated.options);
    let frames = 0;
    const publishing = new NumberedSend({
      send: (client, first) => {
        const numbers = { first, frames: 0 };
        const sent = client.batchPublisher.publish(topic, list, optionsNow(dated), numbers);
        return sent.finally(() => {
          frames = numbers.frames;
        });
      },
      numbers: () => this.#numbering.of(topic),
      count: list.length,
      // A frame is taken whole or refused whole; of several, others may have been taken.
      isUntaken: (error) => frames === 0 || (frames === 1 && error.code !== "CLIENT_BUSY" && wasRefused(error)),
    });
    return publishing.until(this.#publishBatch(publishing.send, cost));
  }

  async #publishBatch(send: Send<BatchReceipt>, cost: number): Promise<BatchReceipt> {
    const link = this.#pick(undefined);
    if (link?.client === undefined) return this.#retries.wait(send, cost);
    try {
      return await send(link.client);
    } catch (error) {
      if (!isForAnotherNode(error)) throw error;
      return this.#retries.retry(send, cost, link, error);
    }
  }

  /** Publishes a message elsewhere that this node has not taken, or has not confirmed, unless every node would refuse it. */
  repeat(link: NodeLink, topic: string, body: Body, dated: DatedOptions, error: RingmqError): Promise<Receipt> {
    if (!isForAnotherNode(error)) return Promise.reject(error);
    const publishing = this.#publishing(topic, body, dated);
    // Without a number, nothing was sent.
    if (dated.sequence !== undefined) publishing.failed(link.brokerId, dated.sequence, error);
    return publishing.until(this.#retries.retry(publishing.send, costOf(body, dated.options), link, error));
  }

  #publishing(topic: string, body: Body, dated: DatedOptions): NumberedSend<Receipt> {
    return new NumberedSend({
      send: async (client, sequence) => {
        try {
          return await client.publisher.write(topic, body, optionsNow(dated), sequence).add();
        } catch (error) {
          throw asBadArgument(error);
        }
      },
      numbers: () => this.#numbering.of(topic),
      count: 1,
      isUntaken: wasRefused,
    });
  }
}
