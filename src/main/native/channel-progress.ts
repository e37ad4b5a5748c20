/**
 * Where a subscriber of a channel is: for front ends whose subscribers go on when the shard of their channel was
 * restarted, or that tell their clients of positions.
 */
import { channelPosition } from "../../protocol/channel-position.js";
import { countEntries, SIZE_MASK } from "../../protocol/entry.js";
import { Answer } from "../../protocol/op.js";
import type { AnswerFrame } from "./answer-frame.js";
import { result } from "./answer-reading.js";
import type { SubscribeOptions } from "./session-pushes.js";

/** What a RESULT of SUBSCRIBE tells. */
interface Told {
  readonly epoch?: unknown;
  readonly position?: unknown;
  readonly kept?: unknown;
  readonly recovered?: unknown;
  readonly lost?: unknown;
}

const whole = (value: unknown): number => (typeof value === "number" ? value : 0);

export class ChannelProgress {
  /** What positions count in; undefined until a RESULT has told it. */
  epoch: string | undefined;
  /** Of the message that comes next, as far as is known. */
  position = 0;
  /** Whether the channel's messages are kept. */
  kept = false;
  /** Whether it has everything since it left; undefined if it did not come back. */
  recovered: boolean | undefined;
  /** How many messages it has not got since; undefined: unknown. */
  lost: number | undefined;

  /** The answer to a SUBSCRIBE. */
  begun(answer: AnswerFrame): void {
    if (answer.op !== Answer.RESULT) return;
    const told = result(answer) as Told;
    this.epoch = typeof told.epoch === "string" ? told.epoch : undefined;
    this.position = whole(told.position);
    this.kept = told.kept === true;
    this.recovered = typeof told.recovered === "boolean" ? told.recovered : undefined;
    this.lost = typeof told.lost === "number" ? told.lost : undefined;
  }

  /** Messages have come. Returns the position of the first of them. */
  advance({ op, bytes, view, headStart, headEnd, payloadStart, payloadEnd }: AnswerFrame): number {
    if (op !== Answer.CHANNEL_MESSAGES) return this.position;
    const first = channelPosition(bytes, view, headStart, headEnd);
    // A shard sends whole entries.
    this.position = first + countEntries(view, payloadStart, payloadEnd, SIZE_MASK, Number.POSITIVE_INFINITY);
    return first;
  }

  /** The options with which the next subscription goes on; nothing where there is nothing to go on from. */
  get resumption(): Pick<SubscribeOptions, "position" | "epoch"> {
    const { epoch, position } = this;
    return epoch === undefined ? {} : { position, epoch };
  }
}
