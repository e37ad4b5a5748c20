/** How far a publish is, on a terminal: rate, total, and the time left where the size is known. */
import { Presets, SingleBar } from "cli-progress";

/** Milliseconds between two looks at it. */
const INTERVAL = 100;

/** Messages that are confirmed, and bytes of the input that are dealt with. */
export interface Published {
  readonly done: number;
  readonly bytes: number;
}

/** Draws until the function that it returns is called. `total`: bytes of the input, undefined where nobody knows. */
export const drawPublishBar = (total: number | undefined, published: Published): (() => void) => {
  const left = total === undefined ? "" : " | {eta_formatted} left";
  const format = `${total === undefined ? "publishing" : "publishing [{bar}] {percentage}%"} | {messages} messages | {rate}/s${left}`;
  const bar = new SingleBar(
    { stream: process.stderr, format, gracefulExit: false, clearOnComplete: true, emptyOnZero: true },
    Presets.legacy,
  );
  const begin = performance.now();
  const shown = (): { readonly messages: number; readonly rate: number } => {
    const seconds = (performance.now() - begin) / 1_000;
    return { messages: published.done, rate: seconds > 0 ? Math.round(published.done / seconds) : 0 };
  };
  bar.start(total ?? 1, 0, shown());
  const draw = (): void => bar.update(total === undefined ? 0 : Math.min(published.bytes, total), shown());
  const timer = setInterval(draw, INTERVAL);
  return () => {
    clearInterval(timer);
    draw();
    bar.stop();
  };
};
