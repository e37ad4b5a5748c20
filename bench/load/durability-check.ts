/**
 * Checks that a message reached the durability that is measured.
 */
import type { Receipt } from "ringmq/client";
import { Durability } from "#protocol/op.js";

/** Throws when a receipt has less than `least`, a Durability of src/protocol/op.ts. */
export const checkDurability = ({ durability }: Receipt, least: number): void => {
  if (Durability[durability] < least) throw new Error(`confirmed with durability ${durability}`);
};
