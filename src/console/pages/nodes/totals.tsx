/**
 * All nodes together, as of now; and which of them are not counted, and why.
 */
import { signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { type BrokerSample, RingmqError } from "ringmq/client";
import { rates, recent } from "../../broker/rates.js";
import { count, rate } from "../../parts/format.js";
import { Tile } from "../../parts/tile.js";
import type { ListedNode } from "./listed-nodes.js";
import { type WatchedNode, watchNode } from "./node-samples.js";
import { text } from "./text.js";

/** Nodes that are watched: each takes one of the connections that the server of the page has. */
const MOST_WATCHED = 32;

/** Nodes that a reason names. */
const MOST_NAMED = 10;

/** Nobody sees a page in the background: then its connections are for others. */
const isShown = signal(!document.hidden);
document.addEventListener("visibilitychange", () => {
  isShown.value = !document.hidden;
});

interface WatchProps {
  readonly id: number;
  /** Undefined: nobody watches it any more. */
  readonly tell: (id: number, node: WatchedNode | undefined) => void;
}

const Watch = ({ id, tell }: WatchProps) => {
  useEffect(() => {
    const controller = new AbortController();
    void watchNode(id, controller.signal, (node) => {
      if (!controller.signal.aborted) tell(id, node);
    });
    return () => {
      controller.abort();
      tell(id, undefined);
    };
  }, [id]);
  return null;
};

const sumOf = (all: readonly WatchedNode[], gauge: (sample: BrokerSample) => number): string => {
  const now = all.flatMap(({ samples }) => samples.slice(-1));
  return now.length === 0 ? "–" : count(now.reduce((sum, sample) => sum + gauge(sample), 0));
};

const rateOf = (all: readonly WatchedNode[], counter: (sample: BrokerSample) => number): string => {
  const known = all.flatMap(({ samples }) => recent(rates(samples, counter)) ?? []);
  return known.length === 0 ? "–" : rate(known.reduce((sum, value) => sum + value, 0));
};

const namesOf = (ids: readonly number[]): string =>
  `${ids.slice(0, MOST_NAMED).join(", ")}${ids.length > MOST_NAMED ? ", …" : ""}`;

interface TotalsProps {
  readonly nodes: readonly ListedNode[];
  /** As whom they are asked. */
  readonly user: string | null | undefined;
}

export const Totals = ({ nodes, user }: TotalsProps) => {
  const words = text();
  const watched = useSignal<ReadonlyMap<number, WatchedNode>>(new Map());
  const tell = useRef((id: number, node: WatchedNode | undefined): void => {
    const others = [...watched.peek()].filter(([each]) => each !== id);
    watched.value = new Map(node === undefined ? others : [...others, [id, node]]);
  });
  const asked = nodes.filter(({ healthy }) => healthy).slice(0, MOST_WATCHED);
  const all = [...watched.value.values()].filter(({ samples }) => samples.length > 0);
  const left = new Map<string, number[]>();
  for (const node of nodes) {
    const { samples, error } = watched.value.get(node.id) ?? {};
    if (samples !== undefined && samples.length > 0) continue;
    const isAsked = asked.includes(node);
    const refusal = error instanceof RingmqError ? error.code : error?.message;
    const why = isAsked ? (refusal ?? words.isAsked) : node.healthy ? words.isNotAsked : words.isSilent;
    left.set(why, [...(left.get(why) ?? []), node.id]);
  }
  return (
    <>
      {isShown.value && asked.map(({ id }) => <Watch key={`${user} ${id}`} id={id} tell={tell.current} />)}
      <dl class="tiles totals" aria-label={words.together}>
        <Tile label={words.incoming} value={rateOf(all, ({ published }) => published)} />
        <Tile label={words.outgoing} value={rateOf(all, ({ delivered }) => delivered)} />
        <Tile label={words.acked} value={rateOf(all, ({ acked }) => acked)} />
        <Tile label={words.connections} value={sumOf(all, ({ connections }) => connections)} />
        <Tile label={words.ready} value={sumOf(all, ({ ready }) => ready)} />
        <Tile label={words.inFlight} value={sumOf(all, ({ inFlight }) => inFlight)} />
        <Tile label={words.delayed} value={sumOf(all, ({ delayed }) => delayed)} />
        <Tile label={words.dead} value={sumOf(all, ({ dead }) => dead)} isBad={all.some((each) => isDead(each))} />
      </dl>
      <p class="muted" role="status">
        {words.counted(all.length, nodes.length)}
        {[...left].map(([why, ids]) => ` ${words.leftOut(why, namesOf(ids))}`)}
      </p>
    </>
  );
};

const isDead = ({ samples }: WatchedNode): boolean => (samples.at(-1)?.dead ?? 0) > 0;
