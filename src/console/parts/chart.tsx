/**
 * Lines over time, with their values: the last ones, or those under the pointer.
 */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { theme } from "../base/theme.js";
import "./chart.css";
import { clock } from "./format.js";

export interface Series {
  readonly label: string;
  /** One for each time; null: not known. */
  readonly values: readonly (number | null)[];
}

interface ChartProps {
  /** What it shows. */
  readonly label: string;
  /** Seconds since 1970, ascending. */
  readonly times: readonly number[];
  /** Up to four, each in a colour of its own; the first is filled. Their number stays. */
  readonly series: readonly Series[];
  /** How a value is written. The same function each time. */
  readonly format: (value: number) => string;
  /** Seconds that are shown, up to now. */
  readonly span: number;
  /** The scale reaches up to this at least. Default 1. */
  readonly least?: number;
  /** Px, default 160. */
  readonly height?: number;
}

const HEIGHT = 160;

/** Steps of the scale of values: none is a part of 1, which would be written rounded. */
const STEPS = Array.from({ length: 15 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();

/** Room above the highest line, as a factor. */
const HEADROOM = 1.1;

/** Room at the right, so that the last time is not cut; px. */
const EDGE = 24;

const style = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const optionsOf = (
  { series, format, least = 1, height = HEIGHT }: ChartProps,
  width: number,
  point: (index: number | undefined) => void,
): uPlot.Options => {
  const grid = { stroke: style("--line"), width: 1 };
  const axis = { stroke: style("--muted"), font: `11px ${style("--font")}`, grid, ticks: { show: false } };
  return {
    width,
    height,
    padding: [8, EDGE, 0, 0],
    cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
    legend: { show: false },
    scales: { x: { time: true }, y: { range: (_, __, max) => [0, Math.max(least, max * HEADROOM)] } },
    axes: [
      { ...axis, size: 24, gap: 4, space: 80, values: (_, ticks) => ticks.map((tick) => clock(tick * 1_000)) },
      { ...axis, size: 62, gap: 6, space: 30, incrs: STEPS, values: (_, ticks) => ticks.map(format) },
    ],
    series: [
      {},
      ...series.map((_, i) => ({
        stroke: style(`--series-${i + 1}`),
        width: 1.5,
        points: { show: false },
        ...(i === 0 ? { fill: style("--series-fill") } : {}),
      })),
    ],
    hooks: { setCursor: [({ cursor }) => point(cursor.idx ?? undefined)] },
  };
};

export const Chart = (props: ChartProps) => {
  const { label, times, series, format, span, height = HEIGHT } = props;
  const element = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const pointed = useSignal<number | undefined>(undefined);
  const { value: colours } = theme;

  useEffect(() => {
    const parent = element.current;
    if (parent === null) return undefined;
    const options = optionsOf(props, parent.clientWidth, (index) => {
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
  }, [series.length, format, height, colours]);

  useEffect(() => {
    const { current } = plot;
    if (current === undefined) return;
    const end = times.at(-1) ?? Date.now() / 1_000;
    current.batch(() => {
      current.setData([[...times], ...series.map(({ values }) => [...values])], false);
      current.setScale("x", { min: end - span, max: end });
    });
  }, [times, series, span, format, colours]);

  const at = pointed.value === undefined || pointed.value >= times.length ? times.length - 1 : pointed.value;
  const time = times[at];
  return (
    <figure class="chart">
      <figcaption>
        {label}
        {pointed.value !== undefined && time !== undefined && <time class="muted">{clock(time * 1_000)}</time>}
      </figcaption>
      <div ref={element} />
      <dl>
        {series.map(({ label: name, values }, i) => (
          <div key={name} class={`series-${i + 1}`}>
            <dt>{name}</dt>
            <dd>{values[at] == null ? "–" : format(values[at])}</dd>
          </div>
        ))}
      </dl>
    </figure>
  );
};
