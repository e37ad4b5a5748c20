/**
 * Counts over time, as bars: how many of something fall into each part of a span.
 */
import { useSignal } from "@preact/signals";
import uPlot from "uplot";
import "./chart.css";
import { clock, count, moment, shortCount, shortMoment } from "./format.js";
import { commonOptions, style, timeAxis, usePlot, valueAxis } from "./plot.js";

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

const optionsOf = (
  isLong: boolean,
  point: (index: number | undefined) => void,
): Omit<uPlot.Options, "width" | "height"> => ({
  ...commonOptions(point),
  cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
  scales: { x: { time: true }, y: { range: (_, __, max) => [0, Math.max(1, max)] } },
  axes: [
    timeAxis(isLong ? shortMoment : clock),
    { ...valueAxis(), values: (_, ticks) => ticks.map((tick) => (Number.isInteger(tick) ? shortCount(tick) : "")) },
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
});

export const Histogram = ({ label, about, from, to, counts, height = HEIGHT }: HistogramProps) => {
  const pointed = useSignal<number | undefined>(undefined);
  const isLong = to - from > DAY;
  const part = (to - from) / Math.max(1, counts.length);
  const written = isLong ? moment : clock;
  const startOf = (index: number): number => from + index * part;

  const point = (index: number | undefined): void => {
    pointed.value = index;
  };
  const element = usePlot(
    height,
    () => optionsOf(isLong, point),
    [isLong],
    (plot) => {
      plot.setData([counts.map((_, i) => startOf(i) / 1_000), [...counts]], false);
      plot.setScale("x", { min: from / 1_000, max: to / 1_000 });
    },
    [counts, from, to],
  );

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
