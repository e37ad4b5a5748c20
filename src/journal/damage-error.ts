/** The error for damage: confirmed bytes that are missing or have changed. */
import { above } from "./paths.js";

export class DamageError extends Error {
  override readonly name = "DamageError";

  constructor(
    readonly file: string,
    /** Of the first byte that cannot be relied on. */
    readonly offset: number,
    readonly what: string,
  ) {
    // DATA/generation-1/shard-0/00000001.seg
    const data = above(file, 3);
    super(
      `${file}, at byte ${offset}: ${what}. Nothing has been changed. What is whole is listed by ` +
        `"ringmq journal verify ${data}" and saved to another directory by "ringmq journal repair ${data} OUT"`,
    );
  }
}

/** The directory is not a data directory, or not one that this version can use. */
export class DataDirectoryError extends Error {
  override readonly name = "DataDirectoryError";
}
