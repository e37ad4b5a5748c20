/**
 * Replaces what makes transports again in a build for pages: it is loaded as soon as there is a connection, not when that is lost.
 * Whoever serves it may be gone by then, together with the broker.
 */
import { backoff } from "../base/backoff.js";
import type { RingmqError } from "../base/error.js";
import type { Connection } from "../connection/connection.js";
import type { Reconnector, ReconnectorOptions } from "../connection/reconnector.js";
import type { Revival } from "../connection/revival.js";
import { cannotLoad } from "./later.js";

const loadReconnector = async (): Promise<typeof Reconnector> =>
  (await import("../connection/reconnector.js").catch(cannotLoad)).Reconnector;

export const revivalOf = (connection: Connection, options: ReconnectorOptions, load = loadReconnector): Revival => {
  const { clock } = connection;
  let reconnector: Reconnector | undefined;
  /** Why the transport was lost, and when, before there was a reconnector. */
  let loss: RingmqError | undefined;
  let lostAt = 0;
  let isOver = false;
  const make = async (attempt: number): Promise<void> => {
    try {
      const Loaded = await load();
      if (isOver) return;
      reconnector = new Loaded(connection, options);
      if (loss !== undefined) reconnector.lost(loss);
    } catch (error) {
      if (isOver) return;
      if (loss !== undefined && clock.now() - lostAt >= options.timeout) connection.giveUp(error as RingmqError);
      else clock.startTimer(backoff(attempt, options.minDelay, options.maxDelay), () => void make(attempt + 1));
    }
  };
  void make(0);
  return {
    lost(reason) {
      if (reconnector !== undefined) return reconnector.lost(reason);
      loss = reason;
      lostAt = clock.now();
    },
    stop() {
      isOver = true;
      reconnector?.stop();
    },
  };
};
