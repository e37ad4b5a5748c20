/**
 * Counts over time, as bars: how many of something fall into each part of a span.
 */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { theme } from "../base/theme.js";
import "./chart.css";
import { clock, count, moment, shortCount, shortMoment } from "./format.js";

interface HistogramProps {
  /** What it shows. */
  readonly label: string;
  /** Beside that, as long as no bar is pointed at. */
  readonly about: string;
  /** The span, in milliseconds since 1970: its parts are equally long. */
  readonly from: number;
  readonly to: number;
  /** One for each part. */
  readonly counts: readonly number[];
  /** Px, default 130. */
  readonly height?: number;
}

const HEIGHT = 130;

/** Spans longer than this have days on their axis. Milliseconds. */
const DAY = 86_400_000;

/** The share of a part that its bar takes. */
const FILLED = 0.85;

/** Room at the right, so that the last time is not cut; px. */
const EDGE = 24;

const style = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const optionsOf = (
  width: number,
  height: number,
  isLong: boolean,
  point: (index: number | undefined) => void,
): uPlot.Options => {
  const grid = { stroke: style("--line"), width: 1 };
  const axis = { stroke: style("--muted"), font: `11px ${style("--font")}`, ticks: { show: false } };
  const written = isLong ? shortMoment : clock;
  return {
    width,
    height,
    padding: [8, EDGE, 0, 0],
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    legend: { show: false },
    scales: { x: { time: true }, y: { range: (_, __, max) => [0, Math.max(1, max)] } },
    axes: [
      {
        ...axis,
        grid,
        size: 24,
        gap: 4,
        space: 80,
        values: (_, ticks) => ticks.map((tick) => written(tick * 1_000)),
      },
      {
        ...axis,
        grid,
        size: 62,
        gap: 6,
        space: 30,
        values: (_, ticks) => ticks.map((tick) => (Number.isInteger(tick) ? shortCount(tick) : "")),
      },
    ],
    series: [
      {},
      {
        fill: style("--series-1"),
        stroke: style("--series-1"),
        width: 0,
        points: { show: false },
        ...(uPlot.paths.bars && { paths: uPlot.paths.bars({ size: [FILLED], align: 1 }) }),
      },
    ],
    hooks: { setCursor: [({ cursor }) => point(cursor.idx ?? undefined)] },
  };
};

export const Histogram = ({ label, about, from, to, counts, height = HEIGHT }: HistogramProps) => {
  const element = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const pointed = useSignal<number | undefined>(undefined);
  const { value: colours } = theme;
  const isLong = to - from > DAY;
  const part = (to - from) / Math.max(1, counts.length);
  const written = isLong ? moment : clock;
  const startOf = (index: number): number => from + index * part;

  useEffect(() => {
    const parent = element.current;
    if (parent === null) return undefined;
    const options = optionsOf(parent.clientWidth, height, isLong, (index) => {
      pointed.value = index;
    });
    const made = new uPlot(options, undefined, parent);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: parent.clientWidth, height }));
    observer.observe(parent);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = undefined;
    };
  }, [height, isLong, colours]);

  useEffect(() => {
    const { current } = plot;
    if (current === undefined) return;
    current.batch(() => {
      current.setData([counts.map((_, i) => startOf(i) / 1_000), [...counts]], false);
      current.setScale("x", { min: from / 1_000, max: to / 1_000 });
    });
  }, [counts, from, to, isLong, colours]);

  const at = pointed.value;
  const value = at === undefined ? undefined : counts[at];
  return (
    <figure class="chart">
      <figcaption>
        {label}{" "}
        <span class="muted">
          {at === undefined || value === undefined
            ? about
            : `${written(startOf(at))} – ${written(startOf(at + 1))}: ${count(value)}`}
        </span>
      </figcaption>
      <div ref={element} role="img" aria-label={label} />
    </figure>
  );
};
