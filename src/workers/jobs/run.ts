/**
 * Runs the jobs in the threads of the pool. What rare jobs alone need is loaded by them: a thread has the files of all the
 * modules that it loads open at once, and starts when the broker has no descriptors to waste (`OF_LOADING`).
 */
import { type Checksum, loadChecksum } from "../../journal/checksum.js";
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

const JOBS: { readonly [N in JobName]: (input: JobInput<N>) => JobResult<N> | Promise<JobResult<N>> } = {
  verify: async (input) => verify(nodeDisk, await checksum(), input),
  prepare: (input) => prepare(nodeDisk, input),
  remove: (input) => remove(nodeDisk, input),
  reshard: async (input) => (await import("./reshard.js")).reshard(nodeDisk, await checksum(), input),
  compact: async (input) => (await import("../../journal/compact.js")).compact(nodeDisk, await checksum(), input),
  "begin directory": (input) => beginDirectory(nodeDisk, input),
  copy: async (input) => copy(nodeDisk, await checksum(), input),
  "finish directory": (input) => finishDirectory(nodeDisk, input),
  certificate: (input) => certificate(nodeDisk, input),
};

const carryOut = <N extends JobName>(name: N, input: JobInput<N>): JobResult<N> | Promise<JobResult<N>> =>
  JOBS[name](input);

/** Never rejects: an error is returned as data, since it would lose its code between threads. */
export default async (job: Job): Promise<JobOutcome> => {
  try {
    return { ok: true, result: await carryOut(job.job, job as JobInput<typeof job.job>) };
  } catch (error) {
    return { ok: false, error: describeError(error) };
  }
};
