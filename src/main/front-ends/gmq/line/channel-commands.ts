/** `subscribe` and `publish`. */
import { WORD_BYTES } from "../../../../protocol/entry.js";
import { Answer } from "../../../../protocol/op.js";
import type { AnswerFrame } from "../../../native/answer-frame.js";
import { eachEntry, refusalMessage } from "../../../native/answer-reading.js";
import { ChannelProgress } from "../../../native/channel-progress.js";
import { readPublish, requestPublish } from "../channel.js";
import type { LineClient } from "./client.js";
import type { Fault } from "./errors.js";
import { type Part, SkippedBody } from "./part.js";
import { ResponseType } from "./responses.js";
import type { Command } from "./topic-commands.js";
import { nameFault } from "./words.js";

/** What gmq gives every subscriber: what is published from now on. With `from` the answer tells where that is. */
const FROM_NOW = { overflow: "drop-oldest", from: "now" } as const;

/** What is wrong with the name of a channel; `empty` is what is said of one that is missing. */
export const channelFault = (channel: string, empty: string): Fault | undefined => {
  if (channel === "") return { code: "E_INVALID_CHANNEL", text: empty };
  return nameFault("E_INVALID_CHANNEL", "channel", channel);
};

export const subscribe: Command = (client, words) => {
  if (words.length !== 1) return client.refuseAndEnd({ code: "E_INVALID_PARAMS", text: "1 parameters required" });
  const [channel = ""] = words;
  const fault = channelFault(channel, "channel name is empty");
  if (fault !== undefined) return client.refuseAndEnd(fault);
  const progress = new ChannelProgress();
  open(client, channel, progress, (frame) => {
    if (frame.op === Answer.RESULT) client.ok();
    else client.fail({ code: "E_INVALID_SUBSCRIBE", text: refusalMessage(frame) });
  });
};

const open = (
  client: LineClient,
  channel: string,
  progress: ChannelProgress,
  onAnswer: (frame: AnswerFrame) => void,
): void =>
  client.session.pushes.subscribe(
    channel,
    { ...FROM_NOW, ...progress.resumption },
    (frame) => {
      progress.begun(frame);
      onAnswer(frame);
    },
    (frame) => pushed(client, channel, progress, frame),
  );

const pushed = (client: LineClient, channel: string, progress: ChannelProgress, frame: AnswerFrame): void => {
  const { session, responses, options } = client;
  switch (frame.op) {
    case Answer.CHANNEL_MESSAGES:
      progress.advance(frame);
      eachEntry(frame.view, frame.payloadStart, frame.payloadEnd, (start, end) =>
        responses.data(ResponseType.CHANNEL, frame.bytes, start, end),
      );
      return responses.flush();
    case Answer.CONSUMER_CLOSED:
      options.log.debug({ peer: session.peer, channel }, "a channel has ended, its subscriber subscribes again");
      if (!session.isOpen) return;
      // It goes on from where it was, as far as the channel still has what came since. A subscriber that would hear
      // nothing any more learns it by the end of its connection.
      return open(client, channel, progress, (answer) => {
        if (answer.op !== Answer.RESULT) session.close();
      });
    default:
      options.log.debug({ peer: session.peer, channel }, "a subscriber has missed messages of a channel");
  }
};

/** The body of `publish`. */
export class ChannelBody implements Part {
  readonly #client: LineClient;
  readonly #channel: string;
  /** It is too large. */
  #skipped: SkippedBody | undefined;
  #isPublished = false;

  constructor(client: LineClient, channel: string) {
    this.#client = client;
    this.#channel = channel;
  }

  get isDone(): boolean {
    return this.#isPublished || this.#skipped?.isDone === true;
  }

  take(bytes: Buffer, start: number, end: number): number {
    if (this.#skipped !== undefined) return this.#skipped.take(bytes, start, end);
    const { maxMessageBytes } = this.#client.options;
    const from = start + WORD_BYTES;
    if (end < from) return start;
    const length = bytes.readUInt32BE(start);
    if (length > maxMessageBytes) {
      this.#client.refuse({ code: "E_INVALID_PUBLISH", text: `body is above ${maxMessageBytes} bytes` });
      this.#skipped = new SkippedBody(length);
      return from;
    }
    const next = from + length;
    if (end < next) return start;
    this.#isPublished = true;
    requestPublish(this.#client.session, this.#channel, bytes.subarray(start, next), (frame) => {
      const text = readPublish(frame);
      if (text === undefined) this.#client.ok();
      else this.#client.fail({ code: "E_INVALID_PUBLISH", text });
    });
    return next;
  }

  release(): void {}
}
