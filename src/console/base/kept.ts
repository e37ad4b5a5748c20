/**
 * What the reader has chosen on a page, kept with its entry in the history of the browser: whoever goes back to the page finds it so.
 */
const all = (): Readonly<Record<string, unknown>> => (history.state as Record<string, unknown> | null) ?? {};

/** Undefined: nothing yet. */
export const kept = <T>(name: string): T | undefined => all()[name] as T | undefined;

/** `value`: what can be cloned. */
export const keep = (name: string, value: unknown): void => {
  try {
    history.replaceState({ ...all(), [name]: value }, "");
  } catch {
    // Browsers refuse it when it comes too often: the next one is kept.
  }
};
