/**
 * Lines over time, with their values: the last ones, or those under the pointer.
 */
import { useSignal } from "@preact/signals";
import type uPlot from "uplot";
import "./chart.css";
import { clock } from "./format.js";
import { commonOptions, style, timeAxis, usePlot, valueAxis } from "./plot.js";

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
  /** Steps of the scale of values, ascending. Default 1, 2, 5, 10 and so on. */
  readonly steps?: readonly number[];
  /** Seconds that are shown, up to now. */
  readonly span: number;
  /** The scale reaches up to this at least. Default 1. */
  readonly least?: number;
  /** Px, default 160. */
  readonly height?: number;
}

const HEIGHT = 160;

/** None is a part of 1, which would be written rounded. */
const STEPS = Array.from({ length: 15 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();

/** Room above the highest line, as a factor. */
const HEADROOM = 1.1;

const optionsOf = (
  { series, format, steps = STEPS, least = 1 }: ChartProps,
  point: (index: number | undefined) => void,
): Omit<uPlot.Options, "width" | "height"> => ({
  ...commonOptions(point),
  cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
  scales: { x: { time: true }, y: { range: (_, __, max) => [0, Math.max(least, max * HEADROOM)] } },
  axes: [timeAxis(clock), { ...valueAxis(), incrs: [...steps], values: (_, ticks) => ticks.map(format) }],
  series: [
    {},
    ...series.map((_, i) => ({
      stroke: style(`--series-${i + 1}`),
      width: 1.5,
      points: { show: false },
      ...(i === 0 ? { fill: style("--series-fill") } : {}),
    })),
  ],
});

export const Chart = (props: ChartProps) => {
  const { label, times, series, format, span, height = HEIGHT } = props;
  const pointed = useSignal<number | undefined>(undefined);
  const point = (index: number | undefined): void => {
    pointed.value = index;
  };
  const element = usePlot(
    height,
    () => optionsOf(props, point),
    [series.length, format],
    (plot) => {
      const end = times.at(-1) ?? Date.now() / 1_000;
      plot.setData([[...times], ...series.map(({ values }) => [...values])], false);
      plot.setScale("x", { min: end - span, max: end });
    },
    [times, series, span],
  );

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
