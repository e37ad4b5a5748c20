/** The broker's own channels, asked for by sessions. */
import { ERRORS, type ErrorName } from "../../../protocol/errors.js";
import { unpackHead } from "../../../protocol/head.js";
import { Answer, Op } from "../../../protocol/op.js";
import type { AnswerFrame } from "../../native/answer-frame.js";
import { refusalMessage, refusal as refusalName } from "../../native/answer-reading.js";
import type { Session } from "../../native/session.js";
import type { SessionClient } from "../../native/session-client.js";
import type { SessionHost } from "../../native/sessions.js";
import type { HttpSessions } from "../../ports/http/sessions.js";
import { ChannelHeads } from "./channel-heads.js";
import type { ChannelClient, Channels, OnPublished, Refusal, Sink, SubscribeOptions } from "./channels.js";
import { startOf, UNKNOWN_START } from "./subscribed.js";

/** Requests that a client may have unanswered: a WebSocket makes a few in each turn. */
const MAX_IN_FLIGHT = 4_096;

/** What frames of channels that cannot be told say. */
const UNTOLD: ErrorName = "SHARD_RESTARTED";

export class SessionChannels implements Channels {
  readonly #sessions: HttpSessions;
  readonly #host: SessionHost;
  readonly #heads = new ChannelHeads();

  constructor(sessions: HttpSessions, host: SessionHost) {
    this.#sessions = sessions;
    this.#host = host;
  }

  publish(address: string, channel: string, key: string, entry: Uint8Array, onPublished: OnPublished): void {
    publishOver(this.#sessions.shared(address), this.#heads, channel, key, entry, onPublished);
  }

  open(what: string, address: string, client: SessionClient): ChannelClient {
    const identity = { protocol: what, address, user: undefined };
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

  constructor(session: Session, channel: string, sink: Sink) {
    this.#session = session;
    this.#channel = channel;
    this.#sink = sink;
  }

  begin(options: SubscribeOptions): void {
    this.#session.pushes.subscribe(
      this.#channel,
      { overflow: options.overflow },
      (frame) => this.#answered(frame),
      (frame) => this.#pushed(frame, options),
    );
  }

  #answered(frame: AnswerFrame): void {
    if (frame.op === Answer.ERROR) this.#sink.ended(refusalOf(frame));
    else this.#sink.subscribed(frame.op === Answer.RESULT ? startOf(frame) : UNKNOWN_START);
  }

  #pushed(frame: AnswerFrame, options: SubscribeOptions): void {
    switch (frame.op) {
      case Answer.CHANNEL_MESSAGES:
        return this.#messages(frame);
      case Answer.CHANNEL_LOST: {
        const [, count] = unpackHead(frame.bytes, frame.headStart, frame.headEnd);
        return this.#sink.lost(typeof count === "number" ? count : 1);
      }
      default:
        return this.begin(options);
    }
  }

  #messages({ bytes, view, payloadStart, payloadEnd }: AnswerFrame): void {
    this.#sink.messages({ bytes, view, start: payloadStart, end: payloadEnd, position: undefined, id: undefined });
  }
}

const refusalOf = (frame: AnswerFrame): Refusal => {
  const kind = refusalName(frame) ?? UNTOLD;
  return { kind: kind in ERRORS ? kind : UNTOLD, text: refusalMessage(frame) };
};
