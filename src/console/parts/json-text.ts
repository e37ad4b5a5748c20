/**
 * JSON, indented, with every number and text as it was written: what a parser would round or reorder is shown as it is.
 */
const INDENT = "  ";

/** A text, or what stands between the signs of JSON. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** Characters of the longest text that is made: arrays within arrays become far longer than they were. */
const MOST = 2 ** 21;

/** Undefined: it is no JSON, or would be too long. */
export const indentedJson = (source: string): string | undefined => {
  try {
    JSON.parse(source);
  } catch {
    return undefined;
  }
  const out: string[] = [];
  let line = "\n";
  let before = "";
  let length = 0;
  for (const [token] of source.matchAll(TOKEN)) {
    const closes = token === "}" || token === "]";
    if (closes) line = line.slice(0, -INDENT.length);
    const opened = before === "{" || before === "[";
    if (opened ? !closes : closes || before === ",") {
      out.push(line);
      length += line.length;
    }
    out.push(token === ":" ? ": " : token);
    length += token.length;
    if (length > MOST) return undefined;
    if (token === "{" || token === "[") line += INDENT;
    before = token;
  }
  return out.join("");
};
