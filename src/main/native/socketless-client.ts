/** The client of a session that has no socket of its own: there is nothing to pause, and what is written is taken at once. */
import type { SessionClient } from "./session-client.js";

export abstract class SocketlessClient implements SessionClient {
  readonly canPause = false;

  unsentBytes(): number {
    return 0;
  }

  pause(): void {}

  resume(): void {}

  proceed(): void {}

  sweep(): void {}

  end(): void {
    this.destroy();
  }

  abstract destroy(): void;
}
