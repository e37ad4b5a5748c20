/**
 * The reply to a request.
 */
import { countEntries, SIZE_MASK } from "../../protocol/entry.js";
import { ProtocolError } from "../../protocol/errors.js";
import { INSPECT, type Inspect, inspected } from "../base/inspection.js";
import { plainHeaders, shownBody } from "../base/plain-content.js";
import { type Arrival, MessageContent } from "../messages/content.js";

/** Throws BAD_FRAME unless [start, end) is one message. */
export const checkOneEntry = (view: DataView, start: number, end: number): void => {
  if (countEntries(view, start, end, SIZE_MASK, 1) !== 1) throw new ProtocolError("BAD_FRAME", "not one message came");
};

/** What a responder has sent back. */
export class Reply extends MessageContent {
  /** `at`: where its entry begins. */
  constructor(
    protected readonly arrival: Arrival,
    at: number,
  ) {
    super(at);
  }

  /** The body is in it as text. */
  toJSON(): object {
    return { headers: plainHeaders(() => this.headers), body: this.text() };
  }

  [INSPECT](_depth: number, options: unknown, inspect: Inspect): string {
    const shown = { headers: plainHeaders(() => this.headers), body: shownBody(this.body) };
    return inspected("Reply", shown, options, inspect);
  }
}
