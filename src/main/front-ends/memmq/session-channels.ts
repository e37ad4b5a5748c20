/** The broker's own channels, asked for by sessions. */
import type { ErrorName } from "../../../protocol/errors.js";
import { unpackHead } from "../../../protocol/head.js";
import { Answer, Op } from "../../../protocol/op.js";
import type { AnswerFrame } from "../../native/answer-frame.js";
import { refusal, refusalMessage } from "../../native/answer-reading.js";
import { ChannelProgress } from "../../native/channel-progress.js";
import type { Session } from "../../native/session.js";
import type { SessionClient } from "../../native/session-client.js";
import type { SubscribeOptions } from "../../native/session-pushes.js";
import type { SessionHost } from "../../native/sessions.js";
import type { Caller } from "../../ports/http/caller.js";
import type { HttpSessions } from "../../ports/http/sessions.js";
import { ChannelHeads } from "./channel-heads.js";
import type { ChannelClient, Channels, MessageId, OnPublished, Refusal, Sink } from "./channels.js";

/** Requests that a client may have unanswered: a WebSocket makes a few in each turn. */
const MAX_IN_FLIGHT = 4_096;

/** What an answer is taken for that is neither a CONFIRM nor an ERROR that this version knows. */
const UNTOLD: ErrorName = "SHARD_RESTARTED";

export class SessionChannels implements Channels {
  readonly #sessions: HttpSessions;
  readonly #host: SessionHost;
  readonly #heads = new ChannelHeads();

  constructor(sessions: HttpSessions, host: SessionHost) {
    this.#sessions = sessions;
    this.#host = host;
  }

  publish(caller: Caller, channel: string, key: string, entry: Uint8Array, onPublished: OnPublished): void {
    publishOver(this.#sessions.shared(caller), this.#heads, channel, key, entry, onPublished);
  }

  open(what: string, { address, credential }: Caller, client: SessionClient): ChannelClient {
    const identity = { protocol: what, address, credential };
    const session = this.#host.openSession({ identity, inOrder: false, maxInFlight: MAX_IN_FLIGHT }, client);
    return new SessionChannelClient(session, this.#heads);
  }
}

const publishOver = (
  session: Session,
  heads: ChannelHeads,
  channel: string,
  key: string,
  entries: Uint8Array,
  onPublished: OnPublished,
): void => {
  session.request(Op.PUBLISH_CHANNEL, 0, heads.get(channel, key), entries, (frame) =>
    onPublished(frame.op === Answer.CONFIRM ? undefined : refusalOf(frame)),
  );
};

class SessionChannelClient implements ChannelClient {
  readonly #session: Session;
  readonly #heads: ChannelHeads;

  constructor(session: Session, heads: ChannelHeads) {
    this.#session = session;
    this.#heads = heads;
  }

  heard(): void {
    this.#session.heard();
  }

  unsent(): void {
    this.#session.unsent();
  }

  drained(): void {
    this.#session.drained();
  }

  closed(): void {
    this.#session.closed();
  }

  atTurnEnd(work: () => void): void {
    this.#session.atTurnEnd(work);
  }

  publish(channel: string, key: string, entries: Uint8Array, onPublished: OnPublished): void {
    publishOver(this.#session, this.#heads, channel, key, entries, onPublished);
  }

  subscribe(channel: string, options: SubscribeOptions, sink: Sink): void {
    new SessionSubscription(this.#session, channel, sink).begin(options);
  }
}

/** One that begins anew, where it was, when its shard has been restarted. */
class SessionSubscription {
  readonly #session: Session;
  readonly #channel: string;
  readonly #sink: Sink;
  readonly #progress = new ChannelProgress();

  constructor(session: Session, channel: string, sink: Sink) {
    this.#session = session;
    this.#channel = channel;
    this.#sink = sink;
  }

  begin(options: SubscribeOptions): void {
    this.#session.pushes.subscribe(
      this.#channel,
      options,
      (frame) => this.#answered(frame),
      (frame) => this.#pushed(frame, options),
    );
  }

  #answered(frame: AnswerFrame): void {
    if (frame.op === Answer.ERROR) return this.#sink.ended(refusalOf(frame));
    this.#progress.begun(frame);
    this.#sink.subscribed(this.#progress);
  }

  #pushed(frame: AnswerFrame, { overflow, recover }: SubscribeOptions): void {
    const { bytes, view, headStart, headEnd, payloadStart: start, payloadEnd: end } = frame;
    switch (frame.op) {
      case Answer.CHANNEL_MESSAGES: {
        const position = this.#progress.advance(frame);
        const id = this.#progress.kept ? idOf(frame) : undefined;
        return this.#sink.messages({ bytes, view, start, end, position, id });
      }
      case Answer.CHANNEL_LOST:
        return this.#sink.lost(Number(unpackHead(bytes, headStart, headEnd)[1]));
      default:
        if (this.#session.isOpen) this.begin({ overflow, recover, from: "now", ...this.#progress.resumption });
    }
  }
}

const idOf = ({ bytes, headStart, headEnd }: AnswerFrame): MessageId | undefined => {
  const [, , high, low] = unpackHead(bytes, headStart, headEnd);
  return typeof high === "number" && typeof low === "number" ? { high, low } : undefined;
};

const refusalOf = (frame: AnswerFrame): Refusal => ({
  kind: refusal(frame) ?? UNTOLD,
  text: refusalMessage(frame),
});
