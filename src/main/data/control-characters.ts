/** Escapes characters that would break a line or control a terminal, as in JavaScript. */

/** C0, DEL, C1, the separators of lines and paragraphs, and bidirectional controls. */
const CONTROLS = /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

const escapeOf = (character: string): string =>
  SHORT[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** Escapes all such characters except those in `kept`. */
export const escapeControls = (text: string, kept: string): string =>
  text.replaceAll(CONTROLS, (character) => (kept.includes(character) ? character : escapeOf(character)));
