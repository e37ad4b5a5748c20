/**
 * The broker in numbers, as of now.
 */
import type { BrokerSample } from "ringmq/client";
import { hrefTo } from "../../base/route.js";
import { rates, recent } from "../../broker/rates.js";
import { age, bytes, count, percent, rate } from "../../parts/format.js";
import { Tile } from "../../parts/tile.js";
import { text } from "./text.js";

/** From this share of it on memory asks for attention: publishes are refused when it is full. */
const MUCH = 0.9;

const rateText = (samples: readonly BrokerSample[], counter: (sample: BrokerSample) => number): string => {
  const value = recent(rates(samples.slice(-4), counter));
  return value === undefined ? "–" : rate(value);
};

/** `samples`: at least one. */
export const Tiles = ({ samples }: { readonly samples: readonly BrokerSample[] }) => {
  const words = text();
  const now = samples.at(-1);
  if (now === undefined) return null;
  const { memoryBytes, memoryLimitBytes } = now;
  const share = memoryLimitBytes > 0 ? memoryBytes / memoryLimitBytes : 0;
  return (
    <dl class="tiles">
      <Tile label={words.publishedRate} value={rateText(samples, ({ published }) => published)} />
      <Tile label={words.deliveredRate} value={rateText(samples, ({ delivered }) => delivered)} />
      <Tile label={words.ackedRate} value={rateText(samples, ({ acked }) => acked)} />
      <Tile label={words.ready} value={count(now.ready)} href={hrefTo(["topics"])} />
      <Tile label={words.inFlight} value={count(now.inFlight)} />
      <Tile label={words.delayed} value={count(now.delayed)} />
      <Tile label={words.dead} value={count(now.dead)} href={hrefTo(["topics"])} isBad={now.dead > 0} />
      <Tile label={words.oldest} value={now.ready === 0 ? "–" : age(now.oldestReadyAge)} />
      <Tile label={words.connections} value={count(now.connections)} href={hrefTo(["connections"])} />
      <Tile
        label={words.memory}
        value={bytes(memoryBytes)}
        about={memoryLimitBytes > 0 ? words.ofLimit(percent(share), bytes(memoryLimitBytes)) : undefined}
        isBad={share >= MUCH}
      />
      <Tile label={words.journal} value={bytes(now.journalBytes)} />
      <Tile label={words.disk} value={now.diskFreeBytes === undefined ? "–" : bytes(now.diskFreeBytes)} />
    </dl>
  );
};
