/**
 * The weight of a node, which is changed in its place.
 */
import { useSignal } from "@preact/signals";
import type { ListedNode } from "./listed-nodes.js";
import { text } from "./text.js";

interface WeightCellProps {
  readonly node: ListedNode;
  /** Resolves when it is over, and tells whether it has succeeded. */
  readonly save: (node: ListedNode, weight: number) => Promise<boolean>;
}

/** As a registry holds it. */
const MOST = 2 ** 31 - 1;

const weightIn = (typed: string): number | undefined => {
  const value = /^\d{1,10}$/.test(typed.trim()) ? Number(typed) : Number.NaN;
  return value <= MOST ? value : undefined;
};

export const WeightCell = ({ node, save }: WeightCellProps) => {
  /** Undefined: it is as it is listed. */
  const typed = useSignal<string | undefined>(undefined);
  const wanted = typed.value === undefined ? undefined : weightIn(typed.value);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (wanted !== undefined && (await save(node, wanted))) typed.value = undefined;
  };
  return (
    <form class="weight" onSubmit={(event) => void submit(event)}>
      <input
        inputMode="numeric"
        aria-label={text().weightOf(node.id)}
        aria-invalid={typed.value !== undefined && wanted === undefined}
        value={typed.value ?? String(node.weight)}
        onInput={(event) => {
          typed.value = event.currentTarget.value;
        }}
        onKeyDown={(event) => {
          if (event.key === "Escape") typed.value = undefined;
        }}
      />
      {wanted !== undefined && wanted !== node.weight && (
        <button type="submit" class="quiet">
          {text().save}
        </button>
      )}
    </form>
  );
};
