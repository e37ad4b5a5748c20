/** Publishes lines, as fast as the servers take them, and counts what became of them. */
import type { MemmqClient } from "../../memmq-client/index.js";

/** Lines that are on their way at most. The client has a bound in bytes of its own. */
const MAX_UNDER_WAY = 4_096;

export class LinePublisher {
  readonly #client: MemmqClient;
  readonly #topic: string;
  readonly #underWay = new Set<Promise<void>>();
  #published = 0;
  #failed = 0;
  #error: Error | undefined;

  constructor(client: MemmqClient, topic: string) {
    this.#client = client;
    this.#topic = topic;
  }

  /** That some lines were not published, and why; undefined: all were. */
  get failure(): string | undefined {
    if (this.#error === undefined) return undefined;
    const all = this.#failed + this.#published;
    return `${this.#failed} of ${all} messages were not published: ${this.#error.message}`;
  }

  /** Resolves when the next line may come. `failed` is told of this line. */
  async publish(line: Uint8Array, failed: (error: Error) => void = () => {}): Promise<void> {
    await this.#client.ready();
    const fate: Promise<void> = this.#client
      .publish(this.#topic, line)
      .then(
        () => {
          this.#published++;
        },
        (error: Error) => {
          this.#failed++;
          this.#error ??= error;
          failed(error);
        },
      )
      .finally(() => this.#underWay.delete(fate));
    this.#underWay.add(fate);
    while (this.#underWay.size >= MAX_UNDER_WAY) await Promise.race(this.#underWay);
  }

  /** Resolves when nothing is under way. */
  async flush(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }
}
