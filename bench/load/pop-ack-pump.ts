/**
 * Pops messages and acks them over a protocol of gmq, pipelined: a few batches of pops are under way, and when all the
 * messages of a batch have come, their acks and the pops of a further batch go in one write.
 *
 * Answers come in the order of the requests, so a batch is answered as it was written: its acks first, then its pops.
 */
import { AscendingIds } from "../wire/gmq/ascending-ids.js";
import { dataText, type GmqProtocol, idEnd } from "../wire/gmq/protocol.js";
import type { Wire } from "../wire/wire.js";

export interface PopAckOptions {
  readonly wire: Wire;
  readonly protocol: GmqProtocol;
  readonly topic: string;
  /** Messages to pop and ack. There must be as many, or the last pop waits. */
  readonly messages: number;
  /** Pops in a batch. */
  readonly batch: number;
  /** Batches that are under way. */
  readonly batches: number;
  /** Nothing is popped after this many seconds. */
  readonly seconds: number;
}

/** What a batch has asked and has not been answered. */
interface Batch {
  readonly bytes: Uint8Array;
  acks: number;
  pops: number;
  popped: number;
}

export class PopAckPump {
  readonly #options: PopAckOptions;
  readonly #pop: Uint8Array;
  readonly #ack: ReturnType<GmqProtocol["ack"]>;
  /** One more than are under way: while a batch is answered, its acks are written into the bytes of the one before. */
  readonly #ring: readonly Batch[];
  readonly #ids = new AscendingIds();
  /** The batch that is being answered, and the one that its acks go with. */
  #current: Batch;
  #next: Batch;
  #sent = 0;
  #answered = 0;
  #end = 0;
  #popped = 0;
  #acked = 0;
  #limit: number;
  #deadline = Number.POSITIVE_INFINITY;
  #done: (messages: number) => void = () => {};

  constructor(options: PopAckOptions) {
    this.#options = options;
    this.#limit = options.messages;
    this.#pop = options.protocol.pop(options.topic);
    this.#ack = options.protocol.ack(options.topic);
    const size = options.batch * (this.#ack.maxBytes + this.#pop.length);
    this.#ring = Array.from({ length: options.batches + 1 }, () => {
      return { bytes: new Uint8Array(size), acks: 0, pops: 0, popped: 0 };
    });
    this.#current = this.#batch(0);
    this.#next = this.#batch(0);
  }

  /** Resolves with the number of messages once all that were popped are acked. */
  run(): Promise<number> {
    this.#deadline = performance.now() + this.#options.seconds * 1000;
    return new Promise((resolve) => {
      this.#done = resolve;
      for (let i = 0; i < this.#options.batches; i++) this.#send(0);
    });
  }

  /** Takes the next response. */
  answer(type: number, bytes: Uint8Array, start: number, end: number): void {
    const { protocol } = this.#options;
    const batch = this.#current;
    if (batch.acks > 0 && type === protocol.result) {
      batch.acks--;
      this.#acked++;
    } else if (batch.acks === 0 && batch.pops > 0 && type === protocol.message) {
      const id = protocol.idStart(bytes, start, end);
      const stop = idEnd(bytes, id, end);
      this.#ids.add(bytes, id, stop);
      this.#end = this.#ack.write(this.#next.bytes, this.#end, bytes, id, stop);
      batch.pops--;
      batch.popped++;
    } else if (type === protocol.ping) {
      return;
    } else {
      const asked = batch.acks > 0 ? "an ack" : batch.pops > 0 ? "a pop" : "nothing";
      throw new Error(`${asked} was answered ${type} ${dataText(bytes, start, end)}`);
    }
    if (batch.acks + batch.pops === 0) this.#turn(batch.popped);
  }

  #batch(index: number): Batch {
    const batch = this.#ring[index % this.#ring.length];
    if (batch === undefined) throw new Error("no such batch");
    return batch;
  }

  /** The current batch is answered, and the acks of its messages are written. */
  #turn(popped: number): void {
    this.#answered++;
    this.#send(popped);
    if (this.#answered === this.#sent) {
      if (this.#acked !== this.#popped) throw new Error(`${this.#popped} messages came, ${this.#acked} were acked`);
      this.#done(this.#acked);
    }
  }

  /** Sends the batch that has been prepared, if there is anything in it, and goes on to the next. */
  #send(acks: number): void {
    if (this.#popped < this.#limit && performance.now() > this.#deadline) this.#limit = this.#popped;
    const pops = Math.min(this.#options.batch, this.#limit - this.#popped);
    if (acks + pops > 0) {
      const batch = this.#batch(this.#sent++);
      let at = this.#end;
      for (let i = 0; i < pops; i++, at += this.#pop.length) batch.bytes.set(this.#pop, at);
      batch.acks = acks;
      batch.pops = pops;
      batch.popped = 0;
      this.#popped += pops;
      this.#options.wire.send(batch.bytes.subarray(0, at));
    }
    this.#current = this.#batch(this.#answered);
    this.#next = this.#batch(this.#sent);
    this.#end = 0;
  }
}
