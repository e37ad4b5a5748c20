/** Publishes lines, as fast as the servers take them, and counts what became of them. */
import type { MemmqClient } from "../../memmq-client/index.js";

/** Lines that are on their way at most. The client has a bound in bytes of its own. */
const MAX_UNDER_WAY = 4_096;

export class LinePublisher {
  readonly #client: MemmqClient;
  readonly #topic: string;
  #underWay = 0;
  /** Those who wait for fewer. */
  #waiting: (() => void)[] = [];
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
    this.#underWay++;
    this.#client.publish(this.#topic, line).then(
      () => {
        this.#published++;
        this.#settled();
      },
      (error: Error) => {
        this.#failed++;
        this.#error ??= error;
        failed(error);
        this.#settled();
      },
    );
    await this.#fewerThan(MAX_UNDER_WAY);
  }

  /** Resolves when nothing is under way. */
  async flush(): Promise<void> {
    await this.#fewerThan(1);
  }

  async #fewerThan(count: number): Promise<void> {
    while (this.#underWay >= count) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #settled(): void {
    this.#underWay--;
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }
}
