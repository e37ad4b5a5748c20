/**
 * What the browser remembers of the reader's choices. A browser that remembers nothing is no reason to fail.
 */
const PREFIX = "ringmq.";

export const remembered = (name: string): string | undefined => {
  try {
    return localStorage.getItem(PREFIX + name) ?? undefined;
  } catch {
    return undefined;
  }
};

/** Undefined: it is forgotten. */
export const remember = (name: string, value: string | undefined): void => {
  try {
    if (value === undefined) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, value);
  } catch {
    // It holds as long as the page does.
  }
};
