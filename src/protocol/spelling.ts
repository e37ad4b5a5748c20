/**
 * Guesses which word a misspelled one was meant to be.
 */

/** Edits by which two words may differ. */
const MAX_EDITS = 2;

/** Says which of the words was meant, in brackets behind the one that is none of them; empty: nobody knows. */
export const didYouMean = (word: string, words: readonly string[]): string => {
  const [near] = words
    .filter((each) => isSimilar(word, each))
    .sort((a, b) => editDistance(word, a) - editDistance(word, b));
  return near === undefined ? "" : ` (did you mean ${near}?)`;
};

/** Whether a word was probably meant to be another: one begins with the other, or few letters differ. */
const isSimilar = (word: string, other: string): boolean => {
  const [a, b] = [word.toLowerCase(), other.toLowerCase()];
  if (a.length > 2 && (a.startsWith(b) || b.startsWith(a))) return true;
  return Math.abs(a.length - b.length) <= MAX_EDITS && editDistance(a, b) <= MAX_EDITS;
};

/** The Levenshtein distance. Both words are about as short as an option's name. */
const editDistance = (a: string, b: string): number => {
  let row = [0, ...Array.from(b, (_, i) => i + 1)];
  for (const letter of a) {
    const next = [(row[0] ?? 0) + 1];
    for (const [j, other] of [...b].entries()) {
      const swap = (row[j] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(swap, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
};
