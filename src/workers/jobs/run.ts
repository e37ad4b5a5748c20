/** What runs in the threads of the pool: one entry for all jobs, by name. */
import { compact } from "../../journal/compact.js";
import { nodeDisk } from "../../journal/node-disk.js";
import { checksum } from "./checksum.js";
import { copy } from "./copy.js";
import { describeError, type Job, type JobInput, type JobName, type JobOutcome, type JobResult } from "./job.js";
import { beginDirectory, finishDirectory } from "./new-directory.js";
import { prepare } from "./prepare.js";
import { remove } from "./remove.js";
import { reshard } from "./reshard.js";
import { verify } from "./verify.js";

const JOBS: { readonly [N in JobName]: (input: JobInput<N>) => JobResult<N> | Promise<JobResult<N>> } = {
  verify: (input) => verify(nodeDisk, input),
  prepare: (input) => prepare(nodeDisk, input),
  remove: (input) => remove(nodeDisk, input),
  reshard: async (input) => reshard(nodeDisk, await checksum(), input),
  compact: async (input) => compact(nodeDisk, await checksum(), input),
  "begin directory": (input) => beginDirectory(nodeDisk, input),
  copy: async (input) => copy(nodeDisk, await checksum(), input),
  "finish directory": (input) => finishDirectory(nodeDisk, input),
};

const carryOut = <N extends JobName>(name: N, input: JobInput<N>): JobResult<N> | Promise<JobResult<N>> =>
  JOBS[name](input);

/** Never throws: what fails is told as data, since an error loses its code on the way between threads. */
export default async (job: Job): Promise<JobOutcome> => {
  try {
    return { ok: true, result: await carryOut(job.job, job as JobInput<typeof job.job>) };
  } catch (error) {
    return { ok: false, error: describeError(error) };
  }
};
