/**
 * The order of rows.
 */
export interface Sorting {
  /** The key of a column. */
  readonly key: string;
  readonly descending: boolean;
}

const collator = new Intl.Collator(undefined, { numeric: true });

const compare = (a: string | number, b: string | number): number =>
  typeof a === "number" && typeof b === "number" ? a - b : collator.compare(String(a), String(b));

/** A sorted copy; rows that are equal stay in their order. `by` is asked once for each row. */
export const sorted = <R>(rows: readonly R[], by: (row: R) => string | number, descending: boolean): R[] => {
  const sign = descending ? -1 : 1;
  return rows
    .map((row) => ({ row, value: by(row) }))
    .sort((a, b) => sign * compare(a.value, b.value))
    .map(({ row }) => row);
};
