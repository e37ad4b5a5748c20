/** Characters that would end a line, or tell a terminal what to do, as the escapes that JavaScript has for them. */

/** C0, DEL, C1, the separators of lines and paragraphs, and those that turn the direction of what follows. */
const CONTROLS = /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

const escapeOf = (character: string): string =>
  SHORT[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** The text on one line; what is in `kept` stays as it is. */
export const escapeControls = (text: string, kept: string): string =>
  text.replaceAll(CONTROLS, (character) => (kept.includes(character) ? character : escapeOf(character)));
