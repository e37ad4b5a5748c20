/** The users of a configuration file, `[[users]]`: as the broker takes them, but for sizes and dates, which are as elsewhere in the file. */
import { InvalidArgumentError } from "commander";
import { parseSize } from "../units.js";

type Table = Readonly<Record<string, unknown>>;

const isTable = (value: unknown): value is Table =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);

const LIMIT = "publishBytes";

/** What is of another kind stays as it is: the broker refuses it, and says where it is. `fault` is told of what it could not. */
export const readUsers = (value: unknown, fault: (text: string) => void): unknown => {
  if (!Array.isArray(value)) {
    fault("users must be written as [[users]], once for each user");
    return [];
  }
  return value.map((user, i) => (isTable(user) ? readUser(user, (text) => fault(`users[${i}].${text}`)) : user));
};

const readUser = (user: Table, fault: (text: string) => void): Table => {
  const { tokens, limits } = user;
  return {
    ...user,
    ...(Array.isArray(tokens) && { tokens: tokens.map(readToken) }),
    ...(isTable(limits) && { limits: readLimits(limits, fault) }),
  };
};

/** The dates of TOML are of a class of their own. */
const readToken = (token: unknown): unknown => {
  if (!isTable(token) || !(token["expires"] instanceof Date)) return token;
  return { ...token, expires: new Date(token["expires"].getTime()) };
};

const readLimits = (limits: Table, fault: (text: string) => void): Table => {
  const bytes = limits[LIMIT];
  if (typeof bytes !== "string") return limits;
  try {
    return { ...limits, [LIMIT]: parseSize(bytes) };
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    fault(`limits.${LIMIT} = ${JSON.stringify(bytes)}: ${error.message}`);
    return {};
  }
};
