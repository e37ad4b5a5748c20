/** A channel as calls see it: its responders, and the calls that wait for one of them. It is there while it has responders. */
import { IndexedHeap } from "../../collections/indexed-heap.js";
import { isFreerThan, type Responder } from "./responder.js";
import { WaitingCalls } from "./waiting-calls.js";

export class CallChannel {
  readonly responders = new IndexedHeap<Responder>(isFreerThan);
  readonly waiting = new WaitingCalls();

  constructor(readonly name: string) {}
}
