/**
 * A publish that may be sent more than once.
 */
import { NO_HEAD } from "../../protocol/head.js";
import { readList } from "../arguments/argument-checks.js";
import { readPublish, readPublishBatch } from "../arguments/option-reader.js";
import type { Body, PublishBatchOptions, PublishOptions } from "../arguments/options.js";
import { delayLeft, ttlLeft } from "../connection/dated-frame.js";
import { isBody } from "../publish/body.js";
import { encodeHeaders, MESSAGE_COST, readContent } from "../publish/message-encoding.js";
import type { DatedOptions } from "./repeat-list.js";

export const NO_OPTIONS: PublishOptions = {};

/** What the options of a message and of a batch have in common. */
type Common = Omit<PublishOptions, "key">;

const UNDATED: DatedOptions = { options: NO_OPTIONS, since: undefined };

/** Reads options once, since getters may return something else the next time. Throws BAD_ARGUMENT. */
export const dateOptions = (options: PublishOptions): DatedOptions => {
  if (options === NO_OPTIONS) return UNDATED;
  return dated(readPublish(options));
};

/** The same of a batch. */
export const dateBatchOptions = (options: PublishBatchOptions): DatedOptions<PublishBatchOptions> =>
  dated(readPublishBatch(options));

const dated = <O extends Common>(options: O): DatedOptions<O> => ({
  options,
  since: options.delay === undefined && options.ttl === undefined ? undefined : performance.now(),
});

/** Its options for another attempt, with what is left of the times that run from the call on. */
export const optionsNow = <O extends Common>({ options, since }: DatedOptions<O>): O => {
  if (since === undefined) return options;
  const elapsed = Math.round(performance.now() - since);
  const { delay, ttl } = options;
  return { ...options, delay: delayLeft(delay, elapsed), ttl: ttlLeft(ttl, elapsed) };
};

/** What a message counts for while it waits to be sent again. Throws BAD_ARGUMENT. */
export const costOf = (body: Body, { headers }: Common): number =>
  readContent(() => "body", body, NO_HEAD, Number.POSITIVE_INFINITY).length +
  encodeHeaders(headers).length +
  MESSAGE_COST;

/** A copy of a list of bodies, and what they count for together. Throws BAD_ARGUMENT. */
export const readBodies = (bodies: readonly Body[], options: Common): { list: Body[]; cost: number } => {
  const list = readList("bodies", bodies, "an array of texts and Uint8Arrays", isBody) as Body[];
  let cost = encodeHeaders(options.headers).length * list.length + MESSAGE_COST;
  // The last one may not be a body: a client refuses it, with its place.
  for (const body of list) if (isBody(body)) cost += body.length;
  return { list, cost };
};
