/** Bugs of a change of the number of shards: see planted-bugs.ts. */
import { join } from "node:path";
import { generationName } from "../../src/journal/layout.js";
import { RecordWriter } from "../../src/journal/record-writer.js";
import { packHead, unpackHead } from "../../src/protocol/head.js";
import { moving } from "./directed-histories.js";
import type { Makers } from "./life.js";
import { disk, LOST_OR_DAMAGED, type PlantedBug } from "./planted-bugs.js";
import type { SimulatedDisk } from "./simulated-disk.js";

type Entry = readonly unknown[];

/** What a move writes, with some of it changed. `undefined` leaves an entry out. */
export const written = (
  makers: Makers,
  change: (entry: Entry) => Entry | undefined,
  ids = (ceiling: number) => ceiling,
): Makers => ({
  ...makers,
  reshard: (view, checksum, input) => {
    const real = { directory: RecordWriter.prototype.directory, ids: RecordWriter.prototype.ids };
    RecordWriter.prototype.directory = function (body) {
      const entry = change(unpackHead(body, 0, body.length));
      if (entry !== undefined) real.directory.call(this, packHead(entry));
    };
    RecordWriter.prototype.ids = function (ceiling) {
      real.ids.call(this, ids(ceiling));
    };
    try {
      makers.reshard(view, checksum, input);
    } finally {
      Object.assign(RecordWriter.prototype, real);
    }
  },
});

const nothing = (): void => undefined;
const asItIs = (entry: Entry): Entry => entry;

export const PLANTED_MOVE_BUGS: readonly PlantedBug[] = [
  {
    name: "a move forgets queues that are empty",
    symptom: /it is gone|queue that|\.seg, at byte/,
    historyOf: moving,
    plant: (makers) => written(makers, (entry) => (entry[0] === "queue" && entry[3] === "a" ? undefined : entry)),
  },
  {
    name: "a move forgets that queues are paused",
    symptom: /it is not paused/,
    historyOf: moving,
    plant: (makers) =>
      written(makers, ([kind, ...rest]) =>
        kind === "queue" ? [kind, ...rest.slice(0, 3), false, ...rest.slice(4)] : [kind, ...rest],
      ),
  },
  {
    name: "a move forgets how topics are configured",
    symptom: /it is \[/,
    historyOf: moving,
    plant: (makers) =>
      written(makers, ([kind, name, config, ...rest]) => [kind, name, kind === "topic" ? {} : config, ...rest]),
  },
  {
    name: "a move does not say which ids were given out",
    symptom: /used a second time|has the bytes of another/,
    historyOf: moving,
    plant: (makers) => written(makers, asItIs, () => 0),
  },
  {
    name: "positions of kept channels are off by one after a move",
    symptom: /is seen with two bodies|cannot go on|goes on elsewhere|has a gap|out of order|got message|not lost what/,
    historyOf: moving,
    plant: (makers) =>
      written(makers, ([kind, ...rest]) =>
        kind === "channel" ? [kind, ...rest.slice(0, 4), Number(rest[4]) + 1] : [kind, ...rest],
      ),
  },
  {
    name: "a move gives kept channels another epoch",
    symptom: /cannot go on/,
    historyOf: moving,
    plant: (makers) =>
      written(makers, ([kind, ...rest]) =>
        kind === "channel" ? [kind, ...rest.slice(0, 3), "1", rest[4]] : [kind, ...rest],
      ),
  },
  {
    name: "a move forgets a shard",
    symptom: /it is gone|is lost|was promised to be/,
    historyOf: moving,
    plant: (makers) => ({
      ...makers,
      reshard: (view, checksum, input) =>
        makers.reshard(view, checksum, { ...input, from: Math.max(1, input.from - 1) }),
    }),
  },
  {
    name: "a move puts topics where nobody looks for them",
    symptom: /in a shard that nobody asks for it/,
    historyOf: moving,
    plant: (makers) => ({
      ...makers,
      reshard: (view, checksum, input) =>
        makers.reshard(
          view,
          (bytes, start, end, seed) => checksum(bytes, start, end, seed) + (seed === 0 ? 1 : 0),
          input,
        ),
    }),
  },
  {
    name: "a generation becomes current before its segments are on disk",
    symptom: LOST_OR_DAMAGED,
    historyOf: moving,
    plant: (makers) => ({
      ...makers,
      reshard: (view, checksum, input) =>
        makers.reshard(
          disk(view as SimulatedDisk, {}, () => ({ sync: nothing })),
          checksum,
          input,
        ),
    }),
  },
  {
    name: "a generation becomes current before the names in it are on disk",
    symptom: LOST_OR_DAMAGED,
    historyOf: moving,
    plant: (makers) => ({
      ...makers,
      reshard: (view, checksum, input) =>
        makers.reshard(disk(view as SimulatedDisk, { syncDirectory: nothing }), checksum, input),
    }),
  },
  {
    name: "the generation before goes before the next one is current",
    symptom: /is missing|it is gone|is lost/,
    historyOf: moving,
    plant: (makers) => ({
      ...makers,
      reshard: (view, checksum, input) => {
        makers.reshard(view, checksum, input);
        view.removeDirectory(join(input.data, generationName(input.generation)));
      },
    }),
  },
];
