/**
 * The sentences of findings in Chinese: the broker tells them in English, with their numbers beside them.
 */
import type { Finding, FindingCode } from "ringmq/client";
import { age, count } from "../parts/format.js";

type Details = Finding["details"];

const number = (value: unknown): string => count(typeof value === "number" ? value : 0);
const name = (value: unknown): string => (typeof value === "string" ? value : "");
const names = (value: unknown): string =>
  Array.isArray(value) && value.length > 0 ? value.map(String).join("、") : "无";

/** A time that comes. */
const until = (time: unknown, now: number): string =>
  typeof time === "number" && time > now ? `${age(time - now)}后` : "即刻";

/** A time that has passed. */
const since = (time: unknown, now: number): string => `${age(now - (typeof time === "number" ? time : now))}前`;

const REASONS: Readonly<Record<string, string>> = {
  retries: "超过重试次数",
  expired: "过期",
  rejected: "被拒绝",
  "too old": "超过重试期限",
};

const next = ({ next: first, isExact }: Details, now: number): string =>
  `${isExact === true ? "最早一条" : "其中一条"}在 ${until(first, now)}到期`;

type Sentence = (details: Details, now: number) => string;

const SENTENCES: Readonly<Record<FindingCode, Sentence>> = {
  NO_TOPIC: () => "没有这个主题：从未有人向它发布或从它消费，或者它已被删除，或者因为长期空闲而被遗忘。",
  NO_QUEUE: ({ known }) => `没有这个队列；现有队列：${names(known)}。`,
  NO_ROUTE: ({ known, mode }) =>
    `路由键${mode === "pattern" ? "未匹配任何绑定键" : "不是任何队列的名称"}；现有队列：${names(known)}。`,
  PAUSED: ({ ready }) => `队列已暂停，恢复之前不会投递；${number(ready)} 条消息就绪。`,
  JOURNAL_STANDS_STILL: ({ error }) => `投递消息需要写入记录，而日志目前无法写入（${name(error)}）。`,
  PUBLISHES_REFUSED: ({ error }) =>
    `向该主题的发布被拒绝（${name(error)}）${error === "DISK_FULL" ? "：磁盘已满，请消费消息或释放磁盘空间" : ""}。`,
  QUEUE_FULL: ({ length, overflow }) =>
    `队列已满（${number(length)} 条）：${overflow === "refuse" ? "新的发布会被拒绝" : "新消息会挤掉最早的消息"}。`,
  BRAKED: ({ rate, next: first }, now) =>
    `最近几乎全部失败，因此队列每秒只放行 ${number(rate)} 条消息，下一条在 ${until(first, now)}。`,
  NO_CONSUMER: ({ ready }) => `没有人消费或等待该队列；${number(ready)} 条消息就绪。`,
  CONSUMERS_HELD: ({ held, consumers }) =>
    `${number(consumers)} 个消费者中有 ${number(held)} 个收不到消息：其连接读取过慢。`,
  NO_CREDIT: ({ withoutCredit, consumers }) =>
    `${number(consumers)} 个消费者中有 ${number(withoutCredit)} 个已持有所要求数量的消息，需要先确认一些或提高额度。`,
  OUTBOX_CROWDED: () => "发往客户端的数据过多，等其发出后继续投递。",
  BEHIND_OTHERS: ({ queues }) => `该分片上有 ${number(queues)} 个队列有消息要投递，轮流进行。`,
  IN_FLIGHT: ({ ready, inFlight, firstEnds }, now) =>
    `${ready === 0 ? "没有就绪的消息：" : ""}${number(inFlight)} 条消息已投递但尚未确认；最早的租约在 ${until(firstEnds, now)}到期。`,
  RETRY_DELAYED: (details, now) => `${number(details["delayed"])} 条消息失败过，将稍后重试，${next(details, now)}。`,
  DELAYED: (details, now) => `${number(details["delayed"])} 条消息处于延迟中，${next(details, now)}。`,
  DEAD_LETTERS: ({ deadLetters, last, reason }, now) =>
    `${number(deadLetters)} 条死信，最近一条产生于 ${since(last, now)}（${REASONS[name(reason)] ?? name(reason)}）。`,
  EXPIRED: ({ expired }) => `${number(expired)} 条消息因无人及时取走而过期（自服务器启动以来）。`,
  DROPPED: ({ dropped }) => `${number(dropped)} 条消息被丢弃：清除、取消、随队列删除，或被更新的消息挤掉。`,
  REACHES: ({ count: reached, queues }) =>
    reached === 0
      ? "路由键到达队列 default，它会随第一条消息创建。"
      : `路由键到达 ${number(reached)} 个队列：${names(queues)}。`,
  FLOWING: ({ ready, consumers }) => `没有阻碍：${number(ready)} 条消息正投递给 ${number(consumers)} 个消费者。`,
  EMPTY: ({ lastPublished, since: made }, now) =>
    typeof lastPublished === "number" && lastPublished > 0
      ? `没有消息；该主题最近一次发布在 ${since(lastPublished, now)}。`
      : `没有消息；自该主题创建（${since(made, now)}）或服务器启动以来没有发布。`,
  MORE_QUEUES: ({ queues, told }) =>
    `该主题有 ${number(queues)} 个队列，仅说明其中 ${number(told)} 个：请指定另一个队列。`,
};

/** Undefined: it is of a broker that knows more findings than this page. `now`: milliseconds since 1970. */
export const chineseText = ({ code, details }: Finding, now: number): string | undefined =>
  Object.hasOwn(SENTENCES, code) ? SENTENCES[code](details, now) : undefined;
