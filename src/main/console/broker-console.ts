/** The console of a broker: its users log in with their tokens. */
import { VERSION } from "../../protocol/version.js";
import type { Access } from "../access/access.js";
import { type Credential, Login } from "../access/user.js";
import { shareOf } from "../ports/address-shares.js";
import type { HttpExchange } from "../ports/http/exchange.js";
import type { ConsoleHost } from "./console-site.js";

export class BrokerConsole implements ConsoleHost<Login> {
  readonly kind = "broker";
  readonly version = VERSION;
  readonly isTls: boolean;
  readonly #access: Access;

  constructor(access: Access, isTls: boolean) {
    this.#access = access;
    this.isTls = isTls;
  }

  get isOpenToAll(): boolean {
    return !this.#access.isOn;
  }

  describe(login: Login | undefined, { credential }: HttpExchange): { login: boolean; user: string | null } {
    const who: Credential | undefined = login ?? credential;
    return { login: this.#access.isOn && who === undefined, user: who?.user.name ?? null };
  }

  identify(token: string): Login | undefined {
    const credential = this.#access.identify({ token });
    return credential && new Login(credential);
  }

  refused(address: string): number {
    return this.#access.refused(shareOf(address), "console");
  }

  ownerOf({ user }: Login): unknown {
    return user;
  }

  isOver(login: Login): boolean {
    return this.#access.isOver(login);
  }

  ended(login: Login): void {
    login.isRevoked = true;
  }

  now(): number {
    return this.#access.now();
  }
}
