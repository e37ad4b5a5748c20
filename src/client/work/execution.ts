/**
 * The place of one handler that runs. A worker has as many as its concurrency and uses each again and again, so that a message
 * costs no closure.
 */
import type { Message } from "../consume/message.js";
import type { Tenure } from "../consume/tenure.js";
import { NO_TICKET } from "./lease-table.js";
import type { WorkContext } from "./work-context.js";

/** Who is told how a handler has ended. */
export interface ExecutionOwner {
  returned(execution: Execution): void;
  threw(execution: Execution, error: unknown): void;
}

export class Execution {
  message: Message | undefined;
  context: WorkContext | undefined;
  /** Of the connection that the message came on. */
  tenure: Tenure | undefined;
  /** That of its row in the table of leases. */
  ticket = NO_TICKET;
  /** The message is not the handler's any longer. */
  isLost = false;
  /** Nobody waits for the handler any longer. */
  isAbandoned = false;
  readonly returned: () => void;
  readonly threw: (error: unknown) => void;

  constructor(
    readonly row: number,
    owner: ExecutionOwner,
  ) {
    this.returned = () => owner.returned(this);
    this.threw = (error) => owner.threw(this, error);
  }

  /** Somebody waits for its handler. */
  get isAwaited(): boolean {
    return this.message !== undefined && !this.isLost && !this.isAbandoned;
  }

  clear(): void {
    this.message = undefined;
    this.context = undefined;
    this.tenure = undefined;
    this.ticket = NO_TICKET;
    this.isLost = false;
    this.isAbandoned = false;
  }
}
