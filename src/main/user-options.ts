/** Who may use a broker, as it is told: names, the hashes of tokens, permissions. Sizes are bytes, times milliseconds. */
import { check, OptionError } from "./option-checks.js";

/** What somebody may do with the topics, channels and calls of a pattern; docs/operations.md, "Permissions", has all of it. */
export type PermissionName = "publish" | "consume" | "manage" | "operate";

export const PERMISSION_NAMES: readonly PermissionName[] = ["publish", "consume", "manage", "operate"];

export interface TokenOptions {
  /** `sha256:` and the SHA-256 of the token in 64 hex digits, as `ringmq token` prints it. */
  readonly hash: string;
  /** When it ends, for connections that are there as well. Default: never. */
  readonly expires?: Date | undefined;
}

export interface PermissionOptions {
  /** A pattern of names, of 1 to 255 characters: `*` stands for any characters, every other one for itself. */
  readonly topics: string;
  /** `operate` is about the whole broker, and stands with the pattern `*` alone. */
  readonly allow: readonly PermissionName[];
}

/** Of all connections of a user together. */
export interface UserLimitOptions {
  /** Connections of TCP, WebSocket and gRPC, and answers without an end. Default: as many as the broker takes. */
  readonly connections?: number | undefined;
  /** Messages a second, to topics and channels, calls among them. Default: any number. */
  readonly publishRate?: number | undefined;
  /** Bytes a second of the requests that bring these. Default: any number. */
  readonly publishBytes?: number | undefined;
}

export interface UserOptions {
  /** For logs and lists: 1 to 255 characters, and nobody else's. */
  readonly name: string;
  /** Any of them will do: at most 64. Default: none. */
  readonly tokens?: readonly TokenOptions[] | undefined;
  /**
   * A client certificate that says this is the user, on ports that ask for one: `CN=name`, the common name of its subject, or one
   * of its alternative names, as `DNS:billing.example` or `URI:spiffe://example/billing`. Default: none.
   */
  readonly certificate?: string | undefined;
  /** At most 256. Who has none can ping. */
  readonly permissions: readonly PermissionOptions[];
  readonly limits?: UserLimitOptions | undefined;
}

const MAX_USERS = 4_096;
const MAX_TOKENS = 64;
/** Of all users: what is shown is compared with each, in about half a millisecond then. */
const MAX_ALL_TOKENS = 4_096;
const MAX_PERMISSIONS = 256;
const MAX_NAME = 255;

const HASH = /^sha256:[\da-f]{64}$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f]/;
const CERTIFICATE = /^(?:CN=|DNS:|URI:|email:|IP Address:)./;

const KEYS = {
  user: ["name", "tokens", "certificate", "permissions", "limits"],
  token: ["hash", "expires"],
  permission: ["topics", "allow"],
  limits: ["connections", "publishRate", "publishBytes"],
} as const;

const refuse = (what: string, wanted: string): never => {
  throw new OptionError(what, `must be ${wanted}`);
};

const checkKeys = (what: string, given: unknown, keys: readonly string[]): void => {
  if (typeof given !== "object" || given === null) refuse(what, `an object of ${keys.join(", ")}`);
  for (const key of Object.keys(given as object)) {
    if (!keys.includes(key)) throw new OptionError(what, `has no ${key.slice(0, 64)}: it has ${keys.join(", ")}`);
  }
};

const checkList = (what: string, given: unknown, most: number): void => {
  if (!Array.isArray(given) || given.length > most) refuse(what, `a list of at most ${most}`);
};

const isText = (given: unknown): given is string =>
  typeof given === "string" && given !== "" && given.length <= MAX_NAME && !CONTROL.test(given);

/** Throws OptionError. */
export const checkToken = (what: string, token: TokenOptions): void => {
  checkKeys(what, token, KEYS.token);
  // What was given in its place may be the token itself, which is shown nowhere.
  if (typeof token.hash !== "string" || !HASH.test(token.hash)) {
    refuse(`${what}.hash`, "sha256: and 64 hex digits in lower case, as `ringmq token` prints it");
  }
  const { expires } = token;
  if (expires !== undefined && !(expires instanceof Date && Number.isFinite(expires.getTime()))) {
    refuse(`${what}.expires`, "a Date");
  }
};

const checkPermission = (what: string, permission: PermissionOptions): void => {
  checkKeys(what, permission, KEYS.permission);
  const { topics, allow } = permission;
  if (!isText(topics)) refuse(`${what}.topics`, `a pattern of 1 to ${MAX_NAME} characters, such as orders.* or *`);
  const isNamed = Array.isArray(allow) && allow.length > 0 && allow.every((name) => PERMISSION_NAMES.includes(name));
  if (!isNamed) refuse(`${what}.allow`, `a list of ${PERMISSION_NAMES.join(", ")}`);
  if (allow.includes("operate") && topics !== "*") {
    refuse(`${what}.topics`, `* where operate is allowed, which is about the whole broker; it is ${topics}`);
  }
};

const checkLimits = (what: string, limits: UserLimitOptions): void => {
  checkKeys(what, limits, KEYS.limits);
  for (const key of KEYS.limits) {
    const value = limits[key];
    if (value !== undefined) check(`${what}.${key}`, value, 1, Number.MAX_SAFE_INTEGER);
  }
};

const checkUser = (what: string, user: UserOptions): void => {
  checkKeys(what, user, KEYS.user);
  if (!isText(user.name)) refuse(`${what}.name`, `text of 1 to ${MAX_NAME} characters`);
  const { tokens = [], certificate, permissions, limits } = user;
  checkList(`${what}.tokens`, tokens, MAX_TOKENS);
  tokens.forEach((token, i) => void checkToken(`${what}.tokens[${i}]`, token));
  checkList(`${what}.permissions`, permissions, MAX_PERMISSIONS);
  permissions.forEach((permission, i) => void checkPermission(`${what}.permissions[${i}]`, permission));
  if (certificate !== undefined && !(isText(certificate) && CERTIFICATE.test(certificate))) {
    refuse(`${what}.certificate`, "as in CN=billing, DNS:billing.example or URI:spiffe://example/billing");
  }
  if (limits !== undefined) checkLimits(`${what}.limits`, limits);
};

/** Throws RangeError, whose text names the place: no user, token or certificate is there twice. */
export const checkUsers = (users: readonly UserOptions[]): readonly UserOptions[] => {
  checkList("users", users, MAX_USERS);
  const seen = new Map<string, string>();
  const once = (kind: string, value: string, where: string): void => {
    const before = seen.get(`${kind} ${value}`);
    if (before !== undefined) throw new OptionError(where, `has the same ${kind} as ${before}`);
    seen.set(`${kind} ${value}`, where);
  };
  users.forEach((user, i) => {
    const what = `users[${i}]`;
    checkUser(what, user);
    once("name", user.name, what);
    if (user.certificate !== undefined) once("certificate", user.certificate, what);
    for (const { hash } of user.tokens ?? []) once("token", hash, what);
  });
  const tokens = users.reduce((count, user) => count + (user.tokens?.length ?? 0), 0);
  if (tokens > MAX_ALL_TOKENS)
    throw new OptionError("users", `must have at most ${MAX_ALL_TOKENS} tokens together; these have ${tokens}`);
  return users;
};
