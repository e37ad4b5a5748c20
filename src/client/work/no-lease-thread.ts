/**
 * Replaces the lease thread in a bundle for browsers, by the `browser` field of package.json: a timer keeps leases there.
 */
import type { LeaseThreads } from "./leases.js";

export const leaseThreads: LeaseThreads = () => undefined;
