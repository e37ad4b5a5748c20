/** `[[users]]` of a configuration file: who may use the broker, as the broker takes it. Sizes may have units. */
import { InvalidArgumentError } from "commander";
import { checkUsers, type UserOptions } from "../../main/user-options.js";
import { parseSize } from "../units.js";

type Table = Readonly<Record<string, unknown>>;

export const isTable = (value: unknown): value is Table =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);

/** How texts name a user: by name, or by number where that is wrong. */
const placeOf = (user: unknown, index: number): string =>
  isTable(user) && typeof user["name"] === "string" ? `[[users]] ${user["name"]}` : `[[users]] number ${index + 1}`;

/** The users of a file. `fault` is told all that is wrong with them; a text never has the value of a token. */
export const readUsers = (given: unknown, fault: (text: string) => void): readonly UserOptions[] => {
  if (!Array.isArray(given)) {
    fault("users must be sections: [[users]], each with its keys below");
    return [];
  }
  /** `users[2].tokens` in a text of the broker, for which the user `first` of the file is its first. */
  const named = (text: string, first: number): string =>
    text.replaceAll(/\busers\[(\d+)\](\.?)/g, (_, index: string, dot: string) => {
      const at = first + Number(index);
      return `${placeOf(given[at], at)}${dot === "" ? "" : ": "}`;
    });
  const users: UserOptions[] = [];
  let isSound = true;
  const attempt = (work: () => void, first: number): void => {
    try {
      work();
    } catch (error) {
      const isFault = error instanceof RangeError || error instanceof InvalidArgumentError;
      if (!isFault) throw error;
      isSound = false;
      fault(
        error instanceof InvalidArgumentError
          ? `${placeOf(given[first], first)}: ${error.message}`
          : named(error.message, first),
      );
    }
  };
  given.forEach((user: unknown, index) => {
    attempt(() => {
      const read = userOf(user);
      checkUsers([read]);
      users.push(read);
    }, index);
  });
  // Whether one is there twice.
  if (isSound) attempt(() => checkUsers(users), 0);
  if (isSound) return users;
  // So that the other checks go on.
  return [...new Map(users.map(({ name }) => [name, { name, permissions: [] }])).values()];
};

/** What is not of the shape of a user is left to the broker's check. */
const userOf = (given: unknown): UserOptions => {
  if (!isTable(given)) return given as UserOptions;
  const { tokens, limits } = given;
  const user = {
    ...given,
    ...(Array.isArray(tokens) && { tokens: tokens.map(tokenOf) }),
    ...(isTable(limits) && { limits: limitsOf(limits) }),
  };
  return user as unknown as UserOptions;
};

/** TOML's dates are dates of their own kind. */
const tokenOf = (token: unknown): unknown =>
  isTable(token) && token["expires"] instanceof Date ? { ...token, expires: new Date(token["expires"]) } : token;

const limitsOf = (limits: Table): unknown => {
  const { publishBytes } = limits;
  if (typeof publishBytes !== "string") return limits;
  try {
    return { ...limits, publishBytes: parseSize(publishBytes) };
  } catch (error) {
    throw new InvalidArgumentError(
      `limits.publishBytes = ${JSON.stringify(publishBytes)}: ${(error as Error).message}`,
    );
  }
};
