/**
 * Requests about channels as a whole.
 */
import { Op } from "../../protocol/op.js";
import { checkObject } from "../arguments/argument-checks.js";
import type { ChannelConfig, ChannelStatistics } from "../arguments/options.js";
import { PublishChecks } from "../arguments/publish-checks.js";
import { ask, look } from "../connection/ask.js";
import type { Connection } from "../connection/connection.js";
import { CountRequest, ResultRequest } from "../connection/pending-request.js";
import { requestHead } from "../connection/request-head.js";
import { pages } from "./pages.js";
import { readChannelConfig, readChannelPage, readChannelStatistics } from "./results.js";

export class ChannelAdmin {
  readonly #connection: Connection;
  readonly #checks: PublishChecks;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#checks = new PublishChecks(connection.info.limits.maxNameBytes);
  }

  async configure(channel: string, config: Partial<ChannelConfig>): Promise<ChannelConfig> {
    this.#checks.name("channel", channel);
    checkObject("config", config);
    const pending = new ResultRequest(readChannelConfig);
    // The broker checks what is in it. Here it is read once, by the encoding.
    this.#connection.request(Op.CONFIGURE_CHANNEL, requestHead([channel, config], "config"), pending);
    return pending.promise;
  }

  async delete(channel: string): Promise<number> {
    this.#checks.name("channel", channel);
    return ask(this.#connection, Op.DELETE_CHANNEL, [channel], new CountRequest());
  }

  async stats(channel: string): Promise<ChannelStatistics> {
    this.#checks.name("channel", channel);
    return look(this.#connection, Op.CHANNEL_STATS, [channel], new ResultRequest(readChannelStatistics));
  }

  channels(): AsyncGenerator<ChannelStatistics, void> {
    return pages(this.#connection, Op.CHANNELS, readChannelPage);
  }
}
