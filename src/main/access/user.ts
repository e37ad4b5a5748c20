/** A user of the broker while it runs: what it may do with which topic, what all its connections together may, what is shown for it. */
import { MAX_NAME_BYTES } from "../../protocol/limits.js";
import { TopicPattern } from "../../protocol/topic-pattern.js";
import type { PermissionOptions, UserLimitOptions, UserOptions } from "../user-options.js";
import { Permission } from "./permissions.js";
import { Rate } from "./rate.js";

interface Grant {
  readonly pattern: TopicPattern;
  readonly rights: number;
}

/** Topics whose rights are known without looking through the patterns; past it all are looked up anew. */
const MAX_KNOWN = 1_024;

const rightsOf = ({ allow }: PermissionOptions): number => allow.reduce((bits, name) => bits | Permission[name], 0);

/** What somebody has shown to be a user: one for all that show the same token or certificate. */
export class Credential {
  /** It is no longer in the table, or its user may no longer do all that it might when it was shown. */
  isRevoked = false;

  constructor(
    readonly user: User,
    /** Milliseconds since 1970. */
    public expires = Number.POSITIVE_INFINITY,
  ) {}

  /** Whoever has shown it has to go. `now`: milliseconds since 1970. */
  isOver(now: number): boolean {
    return this.isRevoked || now >= this.expires;
  }
}

/** A credential that was shown once and is good for a while: as long as itself, and until the login ends. */
export class Login extends Credential {
  constructor(readonly shown: Credential) {
    super(shown.user);
  }

  override isOver(now: number): boolean {
    return super.isOver(now) || this.shown.isOver(now);
  }
}

export class User {
  readonly name: string;
  /** Of sessions whose requests each show who they are, and of listeners that are a user. */
  shared: Credential;
  /** Counts changes of its permissions. */
  generation = 0;
  #grants: readonly Grant[] = [];
  #operates = 0;
  #sees: readonly string[] | undefined;
  readonly #known = new Map<string, number>();
  #limits: UserLimitOptions = {};
  #messages: Rate | undefined;
  #bytes: Rate | undefined;
  #connections = 0;

  constructor(options: UserOptions, now: number) {
    this.name = options.name;
    this.shared = new Credential(this);
    this.update(options, now);
  }

  /** Takes what it is from now on. False: it may no longer do all that it might. */
  update({ permissions, limits = {} }: UserOptions, now: number): boolean {
    const before = this.#grants;
    this.#grants = permissions.map((each) => ({ pattern: new TopicPattern(each.topics), rights: rightsOf(each) }));
    this.#operates = this.#grants.reduce((bits, { rights }) => bits | (rights & Permission.operate), 0);
    const seesAll = this.#operates !== 0 || this.#grants.some(({ pattern }) => pattern.isAll);
    this.#sees = seesAll ? undefined : [...new Set(this.#grants.map(({ pattern }) => pattern.text))];
    this.#known.clear();
    this.generation++;
    this.#limits = limits;
    this.#messages = renewed(this.#messages, limits.publishRate, now);
    this.#bytes = renewed(this.#bytes, limits.publishBytes, now);
    return before.every(({ pattern, rights }) => (this.#grantsTo(pattern.text) & rights) === rights);
  }

  /** Whoever is this user by `shared` has to go. */
  renew(): void {
    this.shared.isRevoked = true;
    this.shared = new Credential(this);
  }

  /** Its rights to a topic or channel: bits of `Permission`. */
  rightsTo(topic: string): number {
    const known = this.#known.get(topic);
    if (known !== undefined) return known;
    let rights = this.#operates;
    for (const grant of this.#grants) if (grant.pattern.matches(topic)) rights |= grant.rights;
    if (topic.length > MAX_NAME_BYTES) return rights;
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(topic, rights);
    return rights;
  }

  get mayOperate(): boolean {
    return this.#operates !== 0;
  }

  /** Patterns of the topics and channels that lists show it. Undefined: all. */
  get sees(): readonly string[] | undefined {
    return this.#sees;
  }

  /** Counts a connection. False: it has as many as it may. */
  enter(): boolean {
    if (this.#connections >= (this.#limits.connections ?? Number.POSITIVE_INFINITY)) return false;
    this.#connections++;
    return true;
  }

  /** A connection that was counted has gone. */
  leave(): void {
    this.#connections--;
  }

  get connections(): number {
    return this.#connections;
  }

  /** Whether what it publishes is counted. */
  get isMetered(): boolean {
    return this.#messages !== undefined || this.#bytes !== undefined;
  }

  /** Messages are counted one by one only where there is a limit to them. */
  get countsMessages(): boolean {
    return this.#messages !== undefined;
  }

  /** It publishes. `now`: milliseconds of a clock that does not step. */
  publishes(messages: number, bytes: number, now: number): void {
    this.#messages?.take(messages, now);
    this.#bytes?.take(bytes, now);
  }

  /** Milliseconds until it may publish again; 0: it may. */
  publishWait(now: number): number {
    return Math.max(this.#messages?.wait(now) ?? 0, this.#bytes?.wait(now) ?? 0);
  }

  /** The rights that stand with exactly this pattern. */
  #grantsTo(text: string): number {
    return this.#grants.reduce((bits, { pattern, rights }) => (pattern.text === text ? bits | rights : bits), 0);
  }
}

const renewed = (rate: Rate | undefined, perSecond: number | undefined, now: number): Rate | undefined => {
  if (perSecond === undefined) return undefined;
  if (rate === undefined) return new Rate(perSecond, now);
  rate.set(perSecond);
  return rate;
};
