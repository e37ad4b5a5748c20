/** Numbers of JSON digit for digit: `JSON.parse` rounds what is beyond 2^53. */
import { ownText } from "./own-text.js";

/** White space, and behind it a string, a sign, or anything else up to the next of these. */
const TOKEN = /\s*("[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:,]|[^\s"{}[\]:,]+)/y;

/**
 * The number that the member `name` of the object has in a text, as it stands there. `json` has been parsed: it is an
 * object with this member, and its value is a number. Of several of that name it is the last, as for `JSON.parse`.
 */
export const numberText = (json: string, name: string): string => {
  let depth = 0;
  let found = "";
  let before = "";
  let isValue = false;
  TOKEN.lastIndex = 0;
  for (let token = next(json); token !== undefined; token = next(json)) {
    if (isValue) found = token;
    if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") depth--;
    isValue = token === ":" && depth === 1 && isName(before, name);
    before = token;
  }
  return ownText(found);
};

const next = (json: string): string | undefined => TOKEN.exec(json)?.[1];

/** Most names have no escapes. */
const isName = (token: string, name: string): boolean =>
  token.includes("\\") ? JSON.parse(token) === name : token.slice(1, -1) === name;
