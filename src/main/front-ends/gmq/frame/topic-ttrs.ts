/** The TTRs of topics, as they were a moment ago. Who asks a shard for one is told of every queue of the topic as well. */
import { packHead } from "../../../../protocol/head.js";
import { Answer, Op } from "../../../../protocol/op.js";
import { result } from "../../../native/answer-reading.js";
import type { AnswerTurns, Asker } from "../answer-turns.js";

/** Milliseconds for which an answer is good. */
const FRESH = 1_000;

/** Topics remembered; with more it begins anew. */
const MAX_TOPICS = 1024;

/** In seconds, where a topic does not say it any more. */
const DEFAULT_TTR = 60;

const MILLISECONDS = 1000;

export class TopicTtrs {
  readonly #turns: AnswerTurns;
  readonly #known = new Map<string, { readonly ttr: number; readonly until: number }>();

  constructor(turns: AnswerTurns) {
    this.#turns = turns;
  }

  /** In seconds; undefined: ask for it. */
  get(topic: string): number | undefined {
    const known = this.#known.get(topic);
    return known !== undefined && performance.now() < known.until ? known.ttr : undefined;
  }

  request(session: Asker, topic: string, onAnswer: (ttr: number) => void): void {
    this.#turns.request(session, Op.STATS, packHead([topic]), (frame) => {
      const ttr = frame.op === Answer.RESULT ? ttrOf(result(frame)) : DEFAULT_TTR;
      if (frame.op === Answer.RESULT) this.#set(topic, ttr);
      onAnswer(ttr);
    });
  }

  #set(topic: string, ttr: number): void {
    if (this.#known.size >= MAX_TOPICS) this.#known.clear();
    this.#known.set(topic, { ttr, until: performance.now() + FRESH });
  }
}

const ttrOf = (statistics: unknown): number => {
  const ttr = (statistics as { readonly config?: { readonly ttr?: unknown } } | null)?.config?.ttr;
  return typeof ttr === "number" ? Math.max(1, Math.round(ttr / MILLISECONDS)) : DEFAULT_TTR;
};
