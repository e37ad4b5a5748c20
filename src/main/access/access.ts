/**
 * Who may come in: the users there are, and what each shows to be one. Without users nobody is asked.
 *
 * Tokens are hashed before they are compared, and with all, in constant time: how long it takes tells nothing of what is in the
 * table.
 */
import type { Log } from "../log.js";
import type { UserOptions } from "../user-options.js";
import { Refusals } from "./refusals.js";
import { digestIn, digestOf, isSameDigest } from "./token-hash.js";
import { Credential, User } from "./user.js";

/** What a client shows. */
export interface Shown {
  readonly token?: string | undefined;
  /** What its certificate says it is: see `UserOptions.certificate`. */
  readonly names?: readonly string[] | undefined;
}

/** A longer text is no token. */
const MAX_TOKEN = 1_024;

interface Table {
  readonly users: ReadonlyMap<string, User>;
  /** By hash, as it is in the options; and what is compared. */
  readonly tokens: ReadonlyMap<string, Credential>;
  readonly digests: readonly (readonly [Buffer, Credential])[];
  readonly certificates: ReadonlyMap<string, Credential>;
}

const NOBODY: Table = { users: new Map(), tokens: new Map(), digests: [], certificates: new Map() };

/** The clocks of a machine, in milliseconds. */
export interface AccessClock {
  /** Since 1970. */
  date(): number;
  /** Of a clock that does not step. */
  now(): number;
}

const SYSTEM: AccessClock = { date: () => Date.now(), now: () => performance.now() };

export class Access {
  readonly #log: Log;
  readonly #clock: AccessClock;
  readonly #refusals = new Refusals();
  #table: Table;

  /** `users` have been checked. */
  constructor(users: readonly UserOptions[], log: Log, clock = SYSTEM) {
    this.#log = log;
    this.#clock = clock;
    this.#table = this.#makeTable(users, NOBODY);
  }

  /** Somebody is asked who it is. */
  get isOn(): boolean {
    return this.#table.users.size > 0;
  }

  /** Takes users that have been checked for those that there were. Credentials that are no longer good are revoked. */
  reload(users: readonly UserOptions[]): void {
    this.#table = this.#makeTable(users, this.#table);
  }

  /** The user of a name, for a listener whose clients cannot say who they are. */
  named(name: string): Credential | undefined {
    return this.#table.users.get(name)?.shared;
  }

  /** Who a client is; undefined: nobody. A token that is shown counts alone, whatever the certificate says. */
  identify({ token, names = [] }: Shown): Credential | undefined {
    const found = token === undefined ? this.#byName(names) : this.#byToken(token);
    return found?.isOver(this.#clock.date()) ? undefined : found;
  }

  /**
   * Somebody is refused. Answers by how many milliseconds to put the answer off: 0 as long as it does not happen often.
   *
   * @param address a `shareOf` it
   * @param door what was come through, for the log
   */
  refused(address: string, door: string): number {
    const delay = this.#refusals.count(address, this.#clock.now());
    // What is put off is not logged: nobody fills a disk by guessing.
    if (delay === 0)
      this.#log.warn({ address, door }, "a client is refused: it has shown no token or certificate of a user");
    return delay;
  }

  /** Whoever has shown it has to go. */
  isOver(credential: Credential): boolean {
    return credential.isOver(this.#clock.date());
  }

  /** Milliseconds of a clock that does not step. */
  now(): number {
    return this.#clock.now();
  }

  #byName(names: readonly string[]): Credential | undefined {
    for (const name of names) {
      const found = this.#table.certificates.get(name);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #byToken(token: string): Credential | undefined {
    if (token === "" || token.length > MAX_TOKEN) return undefined;
    const digest = digestOf(token);
    let found: Credential | undefined;
    for (const [known, credential] of this.#table.digests) if (isSameDigest(known, digest)) found = credential;
    return found;
  }

  #makeTable(options: readonly UserOptions[], before: Table): Table {
    const users = new Map<string, User>();
    const tokens = new Map<string, Credential>();
    const certificates = new Map<string, Credential>();
    for (const each of options) {
      const known = before.users.get(each.name);
      // Who may do less than before has to show again who it is: what it began meanwhile ends.
      if (known?.update(each, this.#clock.now()) === false) revokeAll(before, known);
      const user = known ?? new User(each, this.#clock.now());
      users.set(user.name, user);
      for (const { hash, expires } of each.tokens ?? []) {
        tokens.set(hash, kept(before.tokens.get(hash), user, expires?.getTime()));
      }
      const { certificate } = each;
      if (certificate !== undefined) certificates.set(certificate, kept(before.certificates.get(certificate), user));
    }
    const good = new Set([...tokens.values(), ...certificates.values()]);
    for (const credential of credentialsOf(before)) if (!good.has(credential)) credential.isRevoked = true;
    for (const user of before.users.values()) if (!users.has(user.name)) user.shared.isRevoked = true;
    const digests = [...tokens].map(([hash, to]) => [digestIn(hash), to] as const);
    return { users, tokens, digests, certificates };
  }
}

const credentialsOf = ({ tokens, certificates }: Table): Credential[] => [...tokens.values(), ...certificates.values()];

/** The same credential where it is of the same user and still good. */
const kept = (before: Credential | undefined, user: User, expires = Number.POSITIVE_INFINITY): Credential => {
  if (before === undefined || before.user !== user || before.isRevoked) return new Credential(user, expires);
  before.expires = expires;
  return before;
};

const revokeAll = (table: Table, user: User): void => {
  for (const credential of credentialsOf(table)) if (credential.user === user) credential.isRevoked = true;
  user.renew();
};
