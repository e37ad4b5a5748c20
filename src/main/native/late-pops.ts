/**
 * Pops that were unanswered when their client went. The shard ends those that wait, but the answer to one may be on its way
 * already: its messages would be nobody's until their lease is over. They are given back as soon as they come.
 *
 * That nothing more comes is known by a fence: a request behind the end of the connection, on each shard that had a pop.
 * The shard answers a connection in order, so the answer to the fence is its last.
 */
import { FrameWriter, HEAD, HEAD_LENGTH, LENGTH_BYTES, OP, REQUEST } from "../../protocol/frame.js";
import { packHead } from "../../protocol/head.js";
import { Answer, Op } from "../../protocol/op.js";
import { readRuns } from "../../protocol/run.js";
import { SELECTION_BYTES, writeSelection } from "../../protocol/selection.js";
import type { Router } from "../shards/router.js";
import { splitReceipts } from "./single-receipts.js";

/** A pop that has not been answered. */
export interface UnansweredPop {
  readonly request: number;
  readonly topic: string;
  readonly queue: string;
}

/** Messages of a pop that was answered, and whose client has gone without having heard it. */
export interface UnheardPop {
  readonly topic: string;
  readonly queue: string;
  /** Selections. */
  readonly leases: Uint8Array;
}

/** The pops of a client, when it has gone. */
export interface UnansweredPops {
  unansweredPops(): UnansweredPop[];
  /** A number that no request of the connection has. */
  nextRequest(): number;
}

/** Sends a whole frame to a shard; false: the shard is down. */
export type SendToShard = (shard: number, bytes: Uint8Array, view: DataView) => boolean;

/** Selections of the leased messages in the runs of [start, end); undefined if there are none, as with auto-ack. */
export const leasesOf = (view: DataView, start: number, end: number): Uint8Array | undefined => {
  const runs = readRuns(view, start, end).filter(({ delivery }) => delivery !== 0);
  if (runs.length === 0) return undefined;
  const selections = new Uint8Array(runs.length * SELECTION_BYTES);
  const to = new DataView(selections.buffer);
  runs.forEach(({ idHigh, idLow, count, delivery }, i) => {
    writeSelection(to, i * SELECTION_BYTES, idHigh, idLow, count, delivery);
  });
  return selections;
};

export class LatePops {
  readonly #router: Router;
  readonly #unanswered: UnansweredPops;
  readonly #send: SendToShard;
  readonly #onOver: (shards: readonly number[]) => void;
  readonly #pops = new Map<number, UnansweredPop & { readonly shard: number }>();
  /** Request of a fence → its shard. */
  readonly #fences = new Map<number, number>();
  readonly #shards: number[] = [];

  /** `onOver` is called when nothing more can come, with the shards that must forget the connection again. */
  constructor(
    router: Router,
    unanswered: UnansweredPops,
    send: SendToShard,
    onOver: (shards: readonly number[]) => void,
  ) {
    this.#router = router;
    this.#unanswered = unanswered;
    this.#send = send;
    this.#onOver = onOver;
  }

  /** Something may still come. */
  get isPending(): boolean {
    return this.#fences.size > 0;
  }

  /** Sends the fences. Call it after DISCONNECT. */
  begin(): void {
    for (const pop of this.#unanswered.unansweredPops()) {
      const head = packHead([pop.topic, pop.queue]);
      const shard = this.#shardOf(head);
      this.#pops.set(pop.request, { ...pop, shard });
      if (!this.#shards.includes(shard)) this.#fence(shard, head);
    }
  }

  /** Gives back what the client has not heard of. */
  giveBack(pops: readonly UnheardPop[]): void {
    const heads = new Map<number, Uint8Array>();
    for (const { topic, queue, leases } of pops) {
      const head = packHead([topic, queue]);
      const shard = this.#shardOf(head);
      this.#request(Op.RELEASE, this.#unanswered.nextRequest(), shard, head, leases);
      heads.set(shard, head);
    }
    for (const [shard, head] of heads) this.#fence(shard, head);
  }

  /** Whole frames for the connection that is gone. */
  take(view: DataView, start: number, end: number): void {
    for (let at = start; at < end; ) {
      const next = at + LENGTH_BYTES + view.getUint32(at);
      const op = view.getUint8(at + OP);
      if (op === Answer.CONFIRM) splitReceipts(view, at, next, { take: this.#answered });
      else if (op === Answer.MESSAGES) this.#giveBack(view, at, next);
      else this.#answered(view.getUint32(at + REQUEST));
      at = next;
    }
  }

  /** A shard lost all it knew: whatever was in flight there is ready again. */
  shardLost(shard: number): void {
    for (const [request, on] of this.#fences) if (on === shard) this.#answered(request);
  }

  /** An ACK of the same queue that selects no message. */
  #fence(shard: number, head: Uint8Array): void {
    const request = this.#unanswered.nextRequest();
    if (!this.#request(Op.ACK, request, shard, head)) return;
    this.#shards.push(shard);
    this.#fences.set(request, shard);
  }

  #shardOf(head: Uint8Array): number {
    return this.#router.route(head, new DataView(head.buffer, head.byteOffset, head.length), 0, head.length);
  }

  #giveBack(view: DataView, start: number, end: number): void {
    const pop = this.#pops.get(view.getUint32(start + REQUEST));
    if (pop === undefined) return;
    this.#pops.delete(pop.request);
    const payload = start + HEAD + view.getUint16(start + HEAD_LENGTH);
    const leases = leasesOf(view, payload, end);
    if (leases === undefined) return;
    this.#request(Op.RELEASE, this.#unanswered.nextRequest(), pop.shard, packHead([pop.topic, pop.queue]), leases);
  }

  readonly #answered = (request: number): void => {
    if (!this.#fences.delete(request) || this.#fences.size > 0) return;
    this.#onOver(this.#shards);
  };

  #request(op: number, request: number, shard: number, head: Uint8Array, payload?: Uint8Array): boolean {
    const writer = new FrameWriter(256);
    writer.open(op, 0, request, head);
    if (payload !== undefined) writer.append(payload);
    writer.close();
    return this.#send(shard, writer.written(), writer.view);
  }
}
