/**
 * The names of the options of requests about queues, channels and calls.
 */
import { names, type OptionNames } from "./option-reader.js";

export const REQUEST_OPTIONS = {
  pop: names("queue", "max", "wait", "maxBytes"),
  popDead: names("queue", "max", "maxBytes"),
  consume: names("queue", "prefetch"),
  prefetch: names("min"),
  subscribe: names("overflow", "from", "recover", "credit", "onLost", "onResumed"),
  position: names("position", "epoch"),
  queue: names("queue"),
  nack: names("delay", "retry", "reason"),
  nackById: names("queue", "delay", "retry", "reason"),
  touch: names("ttr"),
  touchById: names("queue", "ttr"),
  redrive: names("queue", "ids"),
  browse: names("queue", "state", "offset", "max", "maxBytes"),
  find: names("queue", "state", "header", "text", "ignoreCase", "routeKey", "max", "maxBytes", "maxScanned", "from"),
  header: names("name", "value"),
  purge: names("queue", "state", "ids"),
  request: names("timeout", "headers", "signal"),
  respond: names("concurrency"),
  reply: names("body", "headers"),
} as const satisfies Record<string, OptionNames>;
