/**
 * Which of several nodes is next: by weight, at random, or in turn.
 */

/** By weight, each as likely, or each in turn. */
export type PickBy = "weight" | "random" | "turn";

/** Returns the index of one of the nodes, -1 when there are none. Nodes of weight 0 are left out unless all are. */
export type Picker = (nodes: readonly { readonly weight: number }[]) => number;

type Weighted = Parameters<Picker>[0];

/** Makes a picker. `random` returns numbers from 0 to below 1, as Math.random does. */
export const createPicker = (kind: PickBy, random: () => number = Math.random): Picker => {
  switch (kind) {
    case "weight":
      return byWeight(random);
    case "random":
      return atRandom(random);
    case "turn":
      return inTurn(random);
  }
};

/** A weight that comes from elsewhere may be anything. */
const weightOf = (weight: number): number => (weight > 0 && weight < Number.POSITIVE_INFINITY ? weight : 0);

/** How many of the nodes may be picked. */
const eligible = (nodes: Weighted): number => {
  let count = 0;
  for (const { weight } of nodes) if (weightOf(weight) > 0) count++;
  return count;
};

/**
 * Smooth weighted round-robin: every node gains its weight, the one with the most is picked and pays the sum of all
 * weights. Shares are exact over a cycle, and the turns of a heavy node are spread over it.
 *
 * The first pick is at random by weight: otherwise programs that pick once would all pick the heaviest node, and those
 * that start together would pick in step.
 */
const byWeight = (random: () => number): Picker => {
  let weights: number[] = [];
  let credits: number[] = [];

  const restart = (nodes: Weighted): number => {
    weights = nodes.map(({ weight }) => weightOf(weight));
    credits = weights.slice();
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    let point = random() * total;
    let picked = weights.findIndex((weight) => {
      point -= weight;
      return point < 0;
    });
    // Rounding may leave a rest behind the last node: it belongs to the last that may be picked.
    if (picked < 0) picked = weights.findLastIndex((weight) => weight > 0);
    credits[picked] = (credits[picked] ?? 0) - total;
    return picked;
  };

  const equal = inTurn(random);
  return (nodes) => {
    const { length } = nodes;
    if (length === 1) return 0;
    let total = 0;
    let isKnown = length === weights.length;
    for (let i = 0; i < length; i++) {
      const weight = weightOf(nodes[i]?.weight ?? 0);
      total += weight;
      if (weight !== weights[i]) isKnown = false;
    }
    if (total === 0) return equal(nodes);
    if (!isKnown) return restart(nodes);
    let picked = 0;
    let most = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < length; i++) {
      const weight = weights[i] ?? 0;
      const credit = (credits[i] ?? 0) + weight;
      credits[i] = credit;
      if (credit <= most || weight === 0) continue;
      most = credit;
      picked = i;
    }
    credits[picked] = most - total;
    return picked;
  };
};

const atRandom =
  (random: () => number): Picker =>
  (nodes) => {
    const count = eligible(nodes);
    if (count === 0) return Math.floor(random() * nodes.length) || (nodes.length === 0 ? -1 : 0);
    let rest = Math.floor(random() * count);
    return nodes.findIndex(({ weight }) => weightOf(weight) > 0 && rest-- === 0);
  };

/** It begins anywhere, so that programs that start together do not pick in step. */
const inTurn = (random: () => number): Picker => {
  let next: number | undefined;
  return (nodes) => {
    const { length } = nodes;
    if (length === 0) return -1;
    const isOpenToAll = eligible(nodes) === 0;
    let at = (next ?? Math.floor(random() * length)) % length;
    while (!isOpenToAll && weightOf(nodes[at]?.weight ?? 0) === 0) at = (at + 1) % length;
    next = at + 1;
    return at;
  };
};
