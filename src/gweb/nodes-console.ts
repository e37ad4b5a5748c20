/** The console of many nodes: it has no users of its own, and shows what is shown to it. */
import type { Access } from "../main/access/access.js";
import type { ConsoleHost } from "../main/console/console-site.js";
import { shareOf } from "../main/ports/address-shares.js";
import { VERSION } from "../protocol/version.js";
import { UnauthorizedError } from "../registry/discovery/index.js";
import type { Nodes } from "./nodes.js";
import { Visitor } from "./visitor.js";

/** What fits a header; a longer text is no token. */
const TOKEN = /^[\u0021-\u007e]{1,1024}$/;

export class NodesConsole implements ConsoleHost<Visitor> {
  readonly kind = "nodes";
  readonly version = VERSION;
  readonly isOpenToAll = false;
  readonly #nodes: Nodes;
  readonly #access: Access;

  constructor(
    nodes: Nodes,
    access: Access,
    readonly isTls: boolean,
  ) {
    this.#nodes = nodes;
    this.#access = access;
  }

  describe(visitor: Visitor | undefined): { login: boolean; user: string | null } {
    return { login: visitor === undefined && this.#nodes.asksForToken, user: visitor?.name ?? null };
  }

  /** The registry says whether a token is good. One that asks nobody, or is away, leaves that to the nodes. */
  async identify(token: string): Promise<Visitor | undefined> {
    if (!TOKEN.test(token)) return undefined;
    const visitor = new Visitor(token);
    try {
      await this.#nodes.listed(visitor);
    } catch (error) {
      if (error instanceof UnauthorizedError) return undefined;
    }
    return visitor;
  }

  refused(address: string): number {
    return this.#access.refused(shareOf(address), "console");
  }

  ownerOf({ token }: Visitor): unknown {
    return token;
  }

  isOver({ isOver }: Visitor): boolean {
    return isOver;
  }

  ended(visitor: Visitor): void {
    visitor.end();
  }

  now(): number {
    return this.#access.now();
  }
}
