/**
 * The entry of the pool's threads. piscina tries `require` first, and Node.js 20 aborts the whole process when a thread is
 * terminated while it requires an ES module ("facade->InstantiateModule"). Terminating an import is safe.
 */
import type { Job, JobOutcome } from "./job.js" with { "resolution-mode": "import" };

const carryOut = async (job: Job): Promise<JobOutcome> => {
  const jobs = await import("./run.js");
  return await jobs.default(job);
};

export = carryOut;
