/** Effects of a shard that go nowhere: a benchmark overrides what it counts. What is refused throws. */
import type { Effects, Run } from "#shard/effects.js";

export class SilentEffects implements Effects {
  run(_run: Readonly<Run>): void {}

  fail(_connection: number, _request: number, kind: string, text: string): void {
    throw new Error(`${kind}: ${text}`);
  }

  settled(): void {}
  confirm(): void {}
  result(): void {}
  openMessages(): void {}
  closeMessages(): void {}
  openChannel(): void {}
  channelEntries(): void {}
  closeChannel(): void {}
  channelLost(): void {}
  consumerClosed(): void {}
  close(): void {}
}
