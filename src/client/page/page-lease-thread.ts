/**
 * Replaces the lease thread in a build for pages: a timer keeps leases there.
 */
import type { LeaseThreads } from "../work/leases.js";

export const leaseThreads: LeaseThreads = () => undefined;
