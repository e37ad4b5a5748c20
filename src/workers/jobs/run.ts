/**
 * Runs the jobs in the threads of the pool. What rare jobs alone need is loaded by them: a thread has the files of all the
 * modules that it loads open at once, and starts when the broker has no descriptors to waste (`OF_LOADING`).
 */
import { type Checksum, loadChecksum } from "../../journal/checksum.js";
import type { Disk } from "../../journal/disk.js";
import { Home, homeDisk } from "../../journal/home.js";
import { nodeDisk } from "../../journal/node-disk.js";
import { certificate } from "./certificate.js";
import { beginDirectory, copy, finishDirectory, prepare, remove, verify } from "./files.js";
import { describeError, type Job, type JobInput, type JobName, type JobOutcome, type JobResult } from "./job.js";

let loaded: Promise<Checksum> | undefined;

/** Loaded with the first job that needs it. */
const checksum = (): Promise<Checksum> => {
  loaded ??= loadChecksum();
  return loaded;
};

type Work<N extends JobName> = (input: JobInput<N>, disk: Disk) => JobResult<N> | Promise<JobResult<N>>;

const JOBS: { readonly [N in JobName]: Work<N> } = {
  verify: async (input, disk) => verify(disk, await checksum(), input),
  prepare: (input, disk) => prepare(disk, input),
  remove: (input, disk) => remove(disk, input),
  reshard: async (input, disk) => (await import("./reshard.js")).reshard(disk, await checksum(), input),
  compact: async (input, disk) => (await import("../../journal/compact.js")).compact(disk, await checksum(), input),
  "begin directory": (input, disk) => beginDirectory(disk, input),
  copy: async (input, disk) => copy(disk, await checksum(), input),
  "finish directory": (input, disk) => finishDirectory(disk, input),
  trail: async (input, disk) => (await import("./trail.js")).trail(disk, await checksum(), input),
  certificate: (input, disk) => certificate(disk, input),
};

const carryOut = <N extends JobName>(name: N, input: JobInput<N>, disk: Disk): JobResult<N> | Promise<JobResult<N>> =>
  JOBS[name](input, disk);

/** Never rejects: an error is returned as data, since it would lose its code between threads. */
export default async (job: Job): Promise<JobOutcome> => {
  try {
    const disk = job.home === undefined ? nodeDisk : homeDisk(nodeDisk, new Home(job.home));
    return { ok: true, result: await carryOut(job.job, job as JobInput<typeof job.job>, disk) };
  } catch (error) {
    return { ok: false, error: describeError(error) };
  }
};
