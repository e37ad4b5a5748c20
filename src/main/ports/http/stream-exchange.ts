/** A request whose answer has no end: until its client goes, or what stands for it in the broker ends. */
import type { Credential } from "../../access/user.js";
import type { Admitted } from "./admission.js";
import type { Carried, StreamClient } from "./carried.js";
import type { AnswerStream } from "./engine.js";
import { EntryRanges } from "./entry-ranges.js";
import { type HttpExchange, JSON_TYPE } from "./exchange.js";

const UNAVAILABLE = "503 Service Unavailable";

export class StreamExchange implements StreamClient {
  /** Nothing comes from the client. */
  readonly canPause = false;
  readonly address: string;
  readonly credential: Credential | undefined;
  readonly #exchange: HttpExchange;
  readonly #place: Admitted;
  readonly #refusal: string;
  #stream: AnswerStream | undefined;
  #carried: Carried | undefined;
  #isOver = false;
  /** What is gathered for `flush`: one of the two. */
  readonly #entries = new EntryRanges();
  #text = "";

  /** @param refusal JSON for a client that has been told nothing when the broker ends it */
  constructor(exchange: HttpExchange, place: Admitted, refusal: string) {
    this.#exchange = exchange;
    this.#place = place;
    this.#refusal = refusal;
    const { address, credential } = exchange.caller;
    this.address = address;
    this.credential = credential;
    exchange.onGone(() => this.#gone());
  }

  /** Opens what stands for the client. */
  carry(open: (client: StreamClient) => Carried): void {
    try {
      this.#carried = open(this);
    } catch (error) {
      this.#gone();
      throw error;
    }
    if (this.#isOver) this.#carried.closed();
  }

  begin(type: string, fields: readonly (readonly [string, string])[]): boolean {
    if (this.#isOver) return false;
    this.#stream = this.#exchange.stream(type, fields, () => this.#carried?.drained());
    return this.#stream !== undefined;
  }

  writeEntries(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    if (this.#text !== "") this.flush();
    if (this.#entries.add(bytes, view, start, end)) return;
    this.flush();
    this.#entries.add(bytes, view, start, end);
  }

  writeText(text: string): void {
    if (this.#entries.bytes !== undefined) this.flush();
    this.#text += text;
  }

  flush(): void {
    if (this.#entries.bytes !== undefined) {
      this.#stream?.write(this.#entries.bodies());
      this.#entries.clear();
    }
    if (this.#text === "") return;
    this.#stream?.write(Buffer.from(this.#text));
    this.#text = "";
  }

  refuse(status: string, json: string): void {
    if (this.#isOver) return;
    if (this.#stream === undefined) this.#exchange.reply(status, JSON_TYPE, json);
    else {
      this.flush();
      this.#stream.end();
    }
    this.#gone();
  }

  unsentBytes(): number {
    return this.#stream?.unsentBytes ?? 0;
  }

  pause(): void {}

  resume(): void {}

  proceed(): void {}

  sweep(): void {}

  end(): void {
    this.refuse(UNAVAILABLE, this.#refusal);
  }

  destroy(): void {
    this.#exchange.abort();
    this.#gone();
  }

  #gone(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#place.leave();
    this.#carried?.closed();
  }
}
