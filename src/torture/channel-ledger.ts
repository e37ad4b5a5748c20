/**
 * What the clients of a torture run know of a kept channel: which messages were confirmed, and which of them is at which
 * position. It judges what each reader gets.
 */
import type { Findings } from "./findings.js";

/** The longest body, and what it is filled with. */
const MAX_FILLING = 400;
const FILLING = "kept ".repeat(MAX_FILLING / 5);

/** A reader that has everything from a position on, whatever connections it has had. */
export interface ChannelReader {
  /** The position that must come next. */
  next: number;
  /** Of each publisher, its last message that came. */
  readonly last: Map<number, number>;
}

export const newReader = (): ChannelReader => ({ next: 0, last: new Map() });

/** A message as a reader gets it. */
export interface ChannelArrival {
  readonly position: number;
  readonly epoch: string | undefined;
  readonly id: string | undefined;
  readonly text: string;
  readonly lost: number;
}

/** One publisher's messages, by their number. */
interface Sent {
  readonly ids: (string | undefined)[];
  readonly refused: Set<number>;
}

export class ChannelLedger {
  confirmed = 0;
  heard = 0;
  readonly #publishers: Sent[] = [];
  /** The body at each position, as the first reader got it. */
  readonly #bodies: string[] = [];
  #epoch: string | undefined;

  /** `run` tells this run's messages from those of others. */
  constructor(
    readonly run: number,
    readonly name: string,
    readonly findings: Findings,
  ) {}

  /** Called before a message is sent. Returns its number and its body. */
  send(publisher: number): { readonly number: number; readonly body: string } {
    this.#publishers[publisher] ??= { ids: [], refused: new Set() };
    const number = this.#publishers[publisher].ids.push(undefined) - 1;
    return { number, body: this.#body(publisher, number) };
  }

  confirm(publisher: number, number: number, id: string | undefined): void {
    const sent = this.#publishers[publisher];
    if (sent === undefined) return;
    sent.ids[number] = id ?? "";
    this.confirmed++;
    if (id === undefined) this.findings.add("configuration", `${this.name} is not kept: a confirm has no id`);
  }

  refuse(publisher: number, number: number): void {
    this.#publishers[publisher]?.refused.add(number);
  }

  /** A reader was told that it goes on elsewhere than where it was. */
  notRecovered(reader: ChannelReader, position: number | undefined): void {
    this.findings.add("gap", `${this.name}: a reader that asked for ${reader.next} goes on at ${position}`);
  }

  arrive(reader: ChannelReader, { position, epoch, id, text, lost }: ChannelArrival): void {
    this.heard++;
    const where = `${this.name} at ${position}`;
    if (position !== reader.next || lost > 0) {
      this.findings.add("gap", `${where}: ${reader.next} was to come next; ${lost} are said to be lost`);
    }
    reader.next = position + 1;
    this.#epoch ??= epoch;
    if (epoch !== this.#epoch) this.findings.add("gap", `${where}: the epoch was ${this.#epoch} and is ${epoch}`);
    const before = this.#bodies[position];
    this.#bodies[position] ??= text;
    if (before !== undefined && before !== text) {
      this.findings.add("position changed", `${where}: ${before.slice(0, 30)} was there, now ${text.slice(0, 30)}`);
    }
    this.#judge(reader, where, id, text);
  }

  /** Judges a reader that has read everything, after all publishing. */
  finish(reader: ChannelReader): void {
    for (const [publisher, { ids }] of this.#publishers.entries()) {
      const read = new Set<number>();
      for (const body of this.#bodies.slice(0, reader.next)) {
        const parsed = this.#parse(body);
        if (parsed?.publisher === publisher) read.add(parsed.number);
      }
      for (const [number, id] of ids.entries()) {
        if (id === undefined || read.has(number)) continue;
        this.findings.add("lost", `${this.name}: message ${number} of publisher ${publisher}, id ${id}`);
      }
    }
  }

  #judge(reader: ChannelReader, where: string, id: string | undefined, text: string): void {
    const parsed = this.#parse(text);
    const sent = parsed && this.#publishers[parsed.publisher];
    if (parsed === undefined || sent === undefined || sent.refused.has(parsed.number)) {
      this.findings.add("invented", `${where}: ${text.slice(0, 30)}`);
      return;
    }
    const { publisher, number } = parsed;
    const last = reader.last.get(publisher) ?? -1;
    if (number <= last) this.findings.add("order", `${where}: message ${number} of ${publisher} came after ${last}`);
    reader.last.set(publisher, number);
    const known = sent.ids[number];
    if (known !== undefined && known !== id) {
      this.findings.add("id changed", `${where}: the publisher was told ${known}, the reader ${id}`);
    }
  }

  #body(publisher: number, number: number): string {
    return `${this.run} ${this.name} ${publisher} ${number} ${FILLING.slice(0, (number * 37) % MAX_FILLING)}`;
  }

  /** Undefined: it is no body that was sent. */
  #parse(text: string): { readonly publisher: number; readonly number: number } | undefined {
    const [, , publisher = Number.NaN, number = Number.NaN] = text.split(" ", 4).map(Number);
    const known = this.#publishers[publisher]?.ids.length ?? 0;
    return number < known && this.#body(publisher, number) === text ? { publisher, number } : undefined;
  }
}
