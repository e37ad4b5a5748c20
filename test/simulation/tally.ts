/** What a simulation has been through, in numbers: what is never counted is never tried. */
export interface Tally {
  steps: number;
  commands: number;
  /** Of clients that look through queues, and searches that have come to their end. */
  looks: number;
  searches: number;
  /** Ends of everything, those in the middle of a recovery among them. */
  crashes: number;
  /** Ends of a single shard. */
  deaths: number;
  recoveries: number;
  /** Starts that have moved everything to another number of shards. */
  moves: number;
  /** Backups that were made, and that were not. */
  backups: number;
  unmade: number;
  /** Starts that the disk did not let happen. */
  refusals: number;
  /** Torn ends that a recovery has cut off. */
  cuts: number;
  /** Recoveries after which something had happened that nobody was told of, and after which something had not. */
  survived: number;
  vanished: number;
  /** Operations of the disk, and faults of it. */
  operations: number;
  faults: number;
  /** Commits that could not write, and those that will never again. */
  stalls: number;
  failures: number;
  /** Segments that were begun, compactions of them, and pages that were read back. */
  segments: number;
  compactions: number;
  loads: number;
  /** Topics that nobody needed any more. */
  forgotten: number;
}

export const nothingYet = (): Tally => ({
  steps: 0,
  commands: 0,
  looks: 0,
  searches: 0,
  crashes: 0,
  deaths: 0,
  recoveries: 0,
  moves: 0,
  backups: 0,
  unmade: 0,
  refusals: 0,
  cuts: 0,
  survived: 0,
  vanished: 0,
  operations: 0,
  faults: 0,
  stalls: 0,
  failures: 0,
  segments: 0,
  compactions: 0,
  loads: 0,
  forgotten: 0,
});
