/** The topics of all shards, ordered by name, a page of each shard at a time. */
import { packHead } from "../../../protocol/head.js";
import { Answer, Op } from "../../../protocol/op.js";
import type { AnswerFrame } from "../../native/answer-frame.js";
import { refusalMessage, result } from "../../native/answer-reading.js";
import type { AnswerTurns, Asker } from "./answer-turns.js";
import { parseStatistics, type TopicStatistics } from "./topic-statistics.js";

/** Topics in a page: about 16 KiB of statistics, so that a listing never holds a shard up for long. */
const MAX_TOPICS = 64;

/** Topics in the first page: how many queues they have is not known yet. */
const FIRST_TOPICS = 2;

/** Queues that a page should have at most, when the next topics are as those before: some milliseconds of this thread. */
const PAGE_QUEUES = 1_024;

/** A shard has refused to list its topics. */
export class TopicListError extends Error {
  override readonly name = "TopicListError";
}

interface Page {
  readonly topics: readonly TopicStatistics[];
  readonly more: boolean;
  /** Where the next page begins: behind this name. */
  readonly last: string;
}

/** Topics that are made or deleted meanwhile may be missing or there; each name comes at most once. */
export async function* listTopics(
  turns: AnswerTurns,
  session: Asker,
  shards: number,
): AsyncGenerator<TopicStatistics, void, void> {
  const cursors = await Promise.all(
    Array.from({ length: shards }, (_, shard) => ShardCursor.open(turns, session, shard)),
  );
  for (;;) {
    const first = smallest(cursors);
    if (first?.topic === undefined) return;
    yield first.topic;
    await first.advance();
  }
}

/** The cursor whose topic comes first by name; undefined when all are at their end. */
const smallest = (cursors: readonly ShardCursor[]): ShardCursor | undefined => {
  let best: ShardCursor | undefined;
  for (const cursor of cursors) {
    if (cursor.topic === undefined) continue;
    if (best?.topic === undefined || cursor.topic.name < best.topic.name) best = cursor;
  }
  return best;
};

/** Where a listing stands in one shard. */
class ShardCursor {
  #page: Page = { topics: [], more: true, last: "" };
  #max = FIRST_TOPICS;
  #at = 0;

  private constructor(
    readonly turns: AnswerTurns,
    readonly session: Asker,
    readonly shard: number,
  ) {}

  static async open(turns: AnswerTurns, session: Asker, shard: number): Promise<ShardCursor> {
    const cursor = new ShardCursor(turns, session, shard);
    await cursor.#read("");
    return cursor;
  }

  /** The topic it stands at; undefined at the end. */
  get topic(): TopicStatistics | undefined {
    return this.#page.topics[this.#at];
  }

  async advance(): Promise<void> {
    this.#at++;
    if (this.topic === undefined && this.#page.more) await this.#read(this.#page.last);
  }

  async #read(after: string): Promise<void> {
    // A page of which nothing is shown may have others behind it.
    for (let from = after; ; from = this.#page.last) {
      this.#page = await readPage(this.turns, this.session, this.shard, from, this.#max);
      if (this.#page.topics.length > 0 || !this.#page.more) break;
    }
    this.#at = 0;
    this.#max = topicsOfPage(this.#max, this.#page.topics);
  }
}

/** How many topics to ask for behind a page that was asked for with `max`. */
export const topicsOfPage = (max: number, page: readonly Pick<TopicStatistics, "bindKeys">[]): number => {
  const queues = page.reduce((sum, { bindKeys }) => sum + bindKeys.length, 0);
  const fitting = queues === 0 ? MAX_TOPICS : Math.floor((PAGE_QUEUES * page.length) / queues);
  return Math.max(1, Math.min(MAX_TOPICS, 2 * max, fitting));
};

const readPage = (turns: AnswerTurns, session: Asker, shard: number, after: string, max: number): Promise<Page> =>
  new Promise((resolve, reject) => {
    turns.request(session, Op.TOPICS, packHead([shard, after, max]), (frame) => {
      try {
        const page = parsePage(frame);
        if (page === undefined) reject(new TopicListError(refusalMessage(frame)));
        else resolve(page);
      } catch (error) {
        reject(error);
      }
    });
  });

/** RESULT `[statistics, more]`. */
const parsePage = (frame: AnswerFrame): Page | undefined => {
  if (frame.op !== Answer.RESULT) return undefined;
  const value = result(frame);
  if (!Array.isArray(value) || !Array.isArray(value[0])) return undefined;
  const topics = value[0].map(parseStatistics);
  const last: unknown = value[2] ?? topics.at(-1)?.name;
  return { topics, more: value[1] === true && typeof last === "string", last: typeof last === "string" ? last : "" };
};
