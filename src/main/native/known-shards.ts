/** The shards that have heard of a connection: what each is told before its first frames, and when something about it changes. */
import { EnvelopeOp, packEnvelope } from "../../channel/envelope.js";
import type { Sender, ShardLink } from "../shards/shard-link.js";

const NOBODY: Sender = { taken: () => undefined };

const encoder = new TextEncoder();

export class KnownShards {
  /** What its client calls itself, for the histories of messages. */
  name = "";
  /** Patterns of what lists show it. Undefined: all. */
  sees: readonly string[] | undefined;
  readonly #connection: number;
  readonly #links: readonly (ShardLink | undefined)[];
  /** By shard: 1 when it has heard of the connection. */
  readonly #met: Uint8Array;

  constructor(connection: number, links: readonly (ShardLink | undefined)[]) {
    this.#connection = connection;
    this.#links = links;
    this.#met = new Uint8Array(links.length);
  }

  /** Before frames go to it. `isHeld`: it is to deliver nothing for now. */
  meet(shard: number, link: ShardLink, isHeld: boolean): void {
    if (this.#met[shard] === 1) return;
    this.#met[shard] = 1;
    if (this.name !== "") this.#send(link, EnvelopeOp.NAME, this.name);
    if (this.sees !== undefined) this.#send(link, EnvelopeOp.SEES, this.sees.join("\n"));
    if (isHeld) link.tell(EnvelopeOp.HOLD, this.#connection);
  }

  /** It has lost all that it knew. */
  forget(shard: number): void {
    this.#met[shard] = 0;
  }

  tell(op: number): void {
    for (const link of this.#known()) link.tell(op, this.#connection);
  }

  /** Lists are to show it something else. */
  show(sees: readonly string[] | undefined): void {
    if (sees === this.sees) return;
    this.sees = sees;
    const text = (sees ?? ["*"]).join("\n");
    for (const link of this.#known()) this.#send(link, EnvelopeOp.SEES, text);
  }

  *#known(): Generator<ShardLink, void> {
    for (let shard = 0; shard < this.#met.length; shard++) {
      const link = this.#links[shard];
      if (this.#met[shard] === 1 && link !== undefined) yield link;
    }
  }

  /** A shard is told each text once, and nobody waits for it. */
  #send(link: ShardLink, op: number, text: string): void {
    const bytes = encoder.encode(text);
    link.send(NOBODY, Uint8Array.from(packEnvelope([op, this.#connection])), bytes, 0, bytes.length);
  }
}
