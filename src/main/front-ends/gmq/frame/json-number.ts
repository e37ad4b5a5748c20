/** Numbers of JSON digit for digit: `JSON.parse` rounds what is beyond 2^53. */

/** A string, or one character; what lies between is white space. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[^\s"]/sy;
const LITERAL = /[^\s,}\]]+/sy;
const SPACE = /\s*/y;

/**
 * The number that the member `name` of the object has in a text, as it stands there. `json` has been parsed: it is an
 * object with this member, and its value is a number. Of several of that name it is the last, as for `JSON.parse`.
 */
export const numberText = (json: string, name: string): string => {
  let depth = 0;
  let found = "";
  let before = "";
  let at = 0;
  while (at < json.length) {
    at = skip(SPACE, json, at);
    const token = match(TOKEN, json, at);
    if (token === "") break;
    at += token.length;
    if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") depth--;
    else if (token === ":" && depth === 1 && JSON.parse(before) === name) {
      at = skip(SPACE, json, at);
      found = match(LITERAL, json, at);
    }
    before = token;
  }
  return found;
};

const match = (pattern: RegExp, text: string, at: number): string => {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? "";
};

const skip = (pattern: RegExp, text: string, at: number): number => at + match(pattern, text, at).length;
