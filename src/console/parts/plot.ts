/**
 * What all charts have in common: a uPlot in an element, as wide as that is, in the colours of the theme.
 */
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { theme } from "../base/theme.js";

/** Room at the right, so that the last time is not cut; px. */
const EDGE = 24;

/** A custom property of the page. */
export const style = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** The options that do not depend on what is shown. `point` is told which value is pointed at. */
export const commonOptions = (point: (index: number | undefined) => void) =>
  ({
    padding: [8, EDGE, 0, 0],
    legend: { show: false },
    hooks: { setCursor: [({ cursor }) => point(cursor.idx ?? undefined)] },
  }) satisfies Partial<uPlot.Options>;

/** How both axes look. */
const axisStyle = () =>
  ({
    stroke: style("--muted"),
    font: `11px ${style("--font")}`,
    grid: { stroke: style("--line"), width: 1 },
    ticks: { show: false },
  }) satisfies uPlot.Axis;

/** The axis of times. `write` takes milliseconds since 1970. */
export const timeAxis = (write: (time: number) => string) =>
  ({
    ...axisStyle(),
    size: 24,
    gap: 4,
    space: 80,
    values: (_, ticks) => ticks.map((tick) => write(tick * 1_000)),
  }) satisfies uPlot.Axis;

/** The axis of values. */
export const valueAxis = () => ({ ...axisStyle(), size: 62, gap: 6, space: 30 }) satisfies uPlot.Axis;

/**
 * Draws in an element, which is to be given its `ref`; anew when what the options are made of changes. `fill` gives it its data,
 * then and whenever one of `data` changes.
 */
export const usePlot = (
  height: number,
  optionsOf: () => Omit<uPlot.Options, "width" | "height">,
  made: readonly unknown[],
  fill: (plot: uPlot) => void,
  data: readonly unknown[],
) => {
  const element = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const { value: colours } = theme;

  useEffect(() => {
    const parent = element.current;
    if (parent === null) return undefined;
    const drawn = new uPlot({ ...optionsOf(), width: parent.clientWidth, height }, undefined, parent);
    plot.current = drawn;
    const observer = new ResizeObserver(() => drawn.setSize({ width: parent.clientWidth, height }));
    observer.observe(parent);
    return () => {
      observer.disconnect();
      drawn.destroy();
      plot.current = undefined;
    };
  }, [height, colours, ...made]);

  useEffect(() => {
    const { current } = plot;
    if (current !== undefined) current.batch(() => fill(current));
  }, [height, colours, ...made, ...data]);

  return element;
};
