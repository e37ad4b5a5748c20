/**
 * Which columns of a table there is room for.
 */
interface Fitted {
  /** In rem, `7rem`; without it: what is left, but at least `LEAST`. */
  readonly width?: string;
  /** Those with the lowest come first. Default 1: it is always there. */
  readonly priority?: 1 | 2 | 3;
}

/** What a column without a width needs to be read, in rem. */
const LEAST = 11;

/** `room`: in rem. They stay in their order. */
export const fitting = <C extends Fitted>(columns: readonly C[], room: number): readonly C[] => {
  const chosen = new Set<C>();
  let left = room;
  for (const each of [1, 2, 3]) {
    for (const column of columns) {
      const { width, priority = 1 } = column;
      if (priority !== each) continue;
      const need = width === undefined ? LEAST : Number.parseFloat(width);
      if (each > 1 && need > left) continue;
      chosen.add(column);
      left -= need;
    }
  }
  return columns.filter((column) => chosen.has(column));
};
