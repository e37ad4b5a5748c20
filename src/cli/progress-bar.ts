/** The progress of a start as a bar on the terminal. The last state stays on the screen. */
import { Presets, SingleBar } from "cli-progress";
import type { StartPhase, StartProgress } from "../main/progress.js";
import { plural } from "./units.js";

const NAMES: Readonly<Record<StartPhase, string>> = { verify: "verifying", replay: "replaying" };

/** Milliseconds between updates: a bar that moves less often looks stuck. */
const FRAMES_A_SECOND = 10;

const MEBIBYTE = 2 ** 20;

/** Draws on a stream, which is a terminal. */
export const barProgress = (stream: NodeJS.WriteStream): StartProgress => {
  let bar: SingleBar | undefined;
  return {
    begin: (phase, bytes) => {
      const format = `${NAMES[phase]} the journal [{bar}] {percentage}% | {value} of {total} MiB | {eta_formatted} left`;
      // The program handles signals itself.
      bar = new SingleBar({ stream, format, fps: FRAMES_A_SECOND, gracefulExit: false }, Presets.legacy);
      bar.start(Math.ceil(bytes / MEBIBYTE), 0);
    },
    advance: (bytes) => bar?.update(Math.floor(bytes / MEBIBYTE)),
    end: (phase, { segments, records, messages }, seconds) => {
      // A segment's file is longer than its contents, so the count may fall short of the total.
      bar?.update(bar.getTotal());
      bar?.stop();
      const counts = [plural(segments, "segment"), plural(records, "record")];
      if (messages !== undefined) counts.push(plural(messages, "message"));
      stream.write(`${NAMES[phase]} took ${seconds.toFixed(1)} s: ${counts.join(", ")}\n`);
    },
    abort: () => bar?.stop(),
  };
};
