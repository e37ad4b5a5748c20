/** Who the client of a connection is: known before it says anything, or by its HELLO; and whether it may still be here. */
import type { ErrorName } from "../../protocol/errors.js";
import type { Access } from "../access/access.js";
import type { Credential } from "../access/user.js";
import { ConnectionAccess } from "./connection-access.js";
import type { ConnectionKind, Origin } from "./connection-kind.js";

/** Why a client may not come in. It tells nothing of what there is. */
export interface TurnedAway {
  readonly kind: ErrorName;
  readonly text: string;
  /** Milliseconds by which to put the answer off. */
  readonly delay: number;
}

const NOWHERE: Origin = { address: "", names: [] };

export const NO_LONGER = "the token or certificate is no longer good, or allows less than before";

/** What is shown, and not who there is. */
const NOTHING_SHOWN = "this broker asks who its clients are: show it a token";
const UNKNOWN = "what was shown is no token of this broker, or no longer good";
const TOO_MANY = "the user has as many connections as it may";

export class Identification {
  /** Undefined: nobody is asked, or it is not known yet. */
  access: ConnectionAccess | undefined;
  readonly #access: Access;
  /** It is the broker's own: nobody is asked who it is, and it is told of nowhere. */
  readonly isTrusted: boolean;
  readonly #origin: Origin;
  readonly #canPause: boolean;
  /** It counts among the connections of its user. */
  #isCounted = false;
  #isTurnedAway = false;

  /** `canPause`: see `ConnectionAccess`. */
  constructor(access: Access, { credential, isTrusted = false, origin = NOWHERE }: ConnectionKind, canPause: boolean) {
    this.#access = access;
    this.isTrusted = isTrusted;
    this.#origin = origin;
    this.#canPause = canPause;
    if (credential !== undefined) this.#identify(credential);
  }

  /** The client says HELLO. Undefined: it may come in. */
  greet(token: string | undefined): TurnedAway | undefined {
    const turnedAway = this.#isGuarded ? this.#admit(token) : undefined;
    this.#isTurnedAway = turnedAway !== undefined;
    return turnedAway;
  }

  #admit(token: string | undefined): TurnedAway | undefined {
    const { address } = this.#origin;
    const credential = this.#credentialOf(token);
    if (credential === undefined) {
      return {
        kind: "UNAUTHORIZED",
        text: token === undefined ? NOTHING_SHOWN : UNKNOWN,
        delay: this.#access.refused(address, "native"),
      };
    }
    this.#isCounted = credential.user.enter();
    if (!this.#isCounted) return { kind: "TOO_MANY_CONNECTIONS", text: TOO_MANY, delay: 0 };
    this.#identify(credential);
    return undefined;
  }

  #credentialOf(token: string | undefined): Credential | undefined {
    const { names, login } = this.#origin;
    if (token === undefined && login !== undefined && !this.#access.isOver(login)) return login;
    return this.#access.identify({ token, names });
  }

  /** A client that has said HELLO has to go: its credential is over, or nobody was asked when it came. */
  get isOver(): boolean {
    // Its refusal is on its way, and no sooner than it should be.
    if (this.#isTurnedAway) return false;
    return this.access === undefined ? this.#isGuarded : this.access.isOver;
  }

  /** Patterns of what lists show it. Undefined: all. */
  get sees(): readonly string[] | undefined {
    return this.access?.user.sees;
  }

  left(): void {
    if (this.#isCounted) this.access?.user.leave();
    this.#isCounted = false;
  }

  /** It has to say who it is. */
  get #isGuarded(): boolean {
    return this.#access.isOn && !this.isTrusted;
  }

  #identify(credential: Credential): void {
    this.access = new ConnectionAccess(this.#access, credential, this.#canPause);
  }
}
