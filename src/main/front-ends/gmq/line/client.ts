/** One client of the line protocol: what its commands have in common. */
import type { Log } from "../../../log.js";
import type { Session } from "../../../native/session.js";
import type { Client } from "../../../ports/front-end.js";
import { type Fault, faultText, type Generation } from "./errors.js";
import { Responses, ResponseType } from "./responses.js";

export interface LineOptions {
  readonly maxMessageBytes: number;
  /** Messages in one PUBLISH that the broker surely takes. */
  readonly maxBatchMessages: number;
  readonly log: Log;
}

export class LineClient {
  readonly responses: Responses;

  constructor(
    readonly session: Session,
    client: Client,
    readonly options: LineOptions,
  ) {
    this.responses = new Responses(client);
  }

  /** Sends one response. */
  say(type: number, text: string): void {
    this.responses.text(type, text);
    this.responses.flush();
  }

  ok(): void {
    this.responses.ok();
    this.responses.flush();
  }

  fail(fault: Fault, generation: Generation = 3): void {
    this.say(ResponseType.ERROR, faultText(fault, generation));
  }

  /** Refuses a command in its place among the answers. */
  refuse(fault: Fault, generation: Generation = 3): void {
    this.session.inOrder(() => this.fail(fault, generation));
  }

  /** Refuses a command, and closes behind the answer. */
  refuseAndEnd(fault: Fault, generation: Generation = 3): void {
    this.refuse(fault, generation);
    this.session.end();
  }
}
