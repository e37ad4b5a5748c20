/**
 * Lines over time.
 */
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
  /** Up to four, each in a colour of its own; the first is filled. Their number and labels stay. */
  readonly series: readonly Series[];
  /** How a value is written. */
  readonly format: (value: number) => string;
  /** Px, default 150. */
  readonly height?: number;
  /** Seconds that are shown, up to now. */
  readonly span: number;
}

const HEIGHT = 150;

const style = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const optionsOf = (
  { series, format }: Pick<ChartProps, "series" | "format">,
  size: { readonly width: number; readonly height: number },
): uPlot.Options => {
  const grid = { stroke: style("--line"), width: 1 };
  const axis = { stroke: style("--muted"), font: `11px ${style("--font")}`, grid, ticks: { show: false } };
  return {
    ...size,
    cursor: { y: false, points: { size: 6 } },
    legend: { live: true },
    scales: { x: { time: true }, y: { range: (_, __, max) => [0, Math.max(1, max * 1.1)] } },
    axes: [
      { ...axis, space: 90, values: (_, ticks) => ticks.map((tick) => clock(tick * 1_000)) },
      { ...axis, size: 56, space: 32, values: (_, ticks) => ticks.map(format) },
    ],
    series: [
      { value: (_, value) => (value === null ? "–" : clock(value * 1_000)) },
      ...series.map(({ label }, i) => ({
        label,
        stroke: style(`--series-${i + 1}`),
        width: 1.5,
        points: { show: false },
        ...(i === 0 ? { fill: style("--series-fill") } : {}),
        value: (_: uPlot, value: number | null) => (value === null ? "–" : format(value)),
      })),
    ],
  };
};

export const Chart = ({ label, times, series, format, span, height = HEIGHT }: ChartProps) => {
  const element = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const labels = series.map((each) => each.label).join();
  const { value: colours } = theme;

  useEffect(() => {
    const parent = element.current;
    if (parent === null) return undefined;
    const made = new uPlot(optionsOf({ series, format }, { width: parent.clientWidth, height }), undefined, parent);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: parent.clientWidth, height }));
    observer.observe(parent);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = undefined;
    };
  }, [labels, format, height, colours]);

  useEffect(() => {
    const { current } = plot;
    if (current === undefined) return;
    current.setData([[...times], ...series.map(({ values }) => [...values])], false);
    const end = times.at(-1) ?? Date.now() / 1_000;
    current.batch(() => {
      current.setScale("x", { min: end - span, max: end });
    });
  });

  return (
    <figure class="chart">
      <figcaption>{label}</figcaption>
      <div ref={element} />
    </figure>
  );
};
