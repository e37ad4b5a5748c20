/** The checksum of a thread of the pool, loaded with the first job that needs it. */
import { type Checksum, loadChecksum } from "../../journal/checksum.js";

let loaded: Promise<Checksum> | undefined;

export const checksum = (): Promise<Checksum> => {
  loaded ??= loadChecksum();
  return loaded;
};
