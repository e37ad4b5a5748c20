/** The tokens of gmq's programs: those that they show, and the hashes of those that a registry takes. */
import { InvalidArgumentError } from "commander";
import { checkToken, type TokenOptions } from "../../main/user-options.js";
import { TOKEN_VARIABLE } from "../environment.js";
import { parseNames } from "../go-flags.js";
import type { Settings } from "./settings.js";

/** Hashes in place of {@link TOKEN_VARIABLE}, for a registry. */
export const HASH_VARIABLE = "RINGMQ_TOKEN_HASH";

/** What fits a header. */
const TOKEN = /^[\u0021-\u007e]{1,1024}$/;

export const parseToken = (text: string): string => {
  if (TOKEN.test(text)) return text;
  throw new InvalidArgumentError("It must be a token as `ringmq token` prints it.");
};

/** Several, with commas between, so that one can take the place of another. */
export const parseTokenHashes = (text: string): readonly TokenOptions[] => {
  const tokens = parseNames(text).map((hash) => ({ hash }));
  try {
    for (const token of tokens) checkToken("", token);
  } catch {
    throw new InvalidArgumentError("It must be sha256: and 64 hex digits, as `ringmq token` prints it.");
  }
  return tokens;
};

/** The token that a program shows: a flag beats the environment, and that the file. Undefined: none. */
export const shownToken = (
  settings: Settings,
  flag: string,
  key: readonly [string, string] | undefined,
): string | undefined => settings.secret(flag, TOKEN_VARIABLE, key, parseToken);

/** The tokens that a registry takes. */
export const takenTokens = (settings: Settings): readonly TokenOptions[] =>
  settings.secret("token_hash", HASH_VARIABLE, ["register", "tokenHash"], parseTokenHashes) ?? [];
