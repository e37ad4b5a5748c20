/** What the findings are called, and what can be done about them. */
import type { FindingCode } from "ringmq/client";
import { texts } from "../base/language.js";

interface FindingsText extends Readonly<Record<string, unknown>> {
  /** Titles of findings. */
  readonly titles: Readonly<Record<FindingCode, string>>;
  readonly topicAsWhole: string;
  readonly nothing: string;
  readonly resume: string;
  readonly topic: string;
  readonly topics: string;
  readonly configure: string;
  readonly consumers: string;
  readonly connections: string;
  readonly deadLetters: string;
  readonly delayed: string;
  readonly inFlight: string;
}

export const text = texts<FindingsText>({
  en: {
    titles: {
      NO_TOPIC: "No such topic",
      NO_QUEUE: "No such queue",
      NO_ROUTE: "The route key reaches no queue",
      PAUSED: "Paused",
      JOURNAL_STANDS_STILL: "The journal stands still",
      PUBLISHES_REFUSED: "Publishes are refused",
      QUEUE_FULL: "Queue full",
      BRAKED: "Slowed down after failures",
      NO_CONSUMER: "No consumer",
      CONSUMERS_HELD: "Consumers held",
      NO_CREDIT: "Consumers have enough",
      OUTBOX_CROWDED: "Too much on its way to clients",
      BEHIND_OTHERS: "Takes turns with other queues",
      IN_FLIGHT: "In flight",
      RETRY_DELAYED: "Waiting to be tried again",
      DELAYED: "Delayed",
      DEAD_LETTERS: "Dead letters",
      EXPIRED: "Expired",
      DROPPED: "Dropped",
      REACHES: "The route key reaches queues",
      FLOWING: "Messages are being handed out",
      EMPTY: "Empty",
      MORE_QUEUES: "More queues",
    },
    topicAsWhole: "the topic as a whole",
    nothing: "The broker has nothing to say about it.",
    resume: "Resume",
    topic: "Topic",
    topics: "Topics",
    configure: "Configuration",
    consumers: "Consumers",
    connections: "Connections",
    deadLetters: "Dead letters",
    delayed: "Delayed messages",
    inFlight: "Messages in flight",
  },
  zh: {
    titles: {
      NO_TOPIC: "主题不存在",
      NO_QUEUE: "队列不存在",
      NO_ROUTE: "路由键未匹配任何队列",
      PAUSED: "已暂停",
      JOURNAL_STANDS_STILL: "日志停滞",
      PUBLISHES_REFUSED: "拒绝发布",
      QUEUE_FULL: "队列已满",
      BRAKED: "失败过多，已减速",
      NO_CONSUMER: "没有消费者",
      CONSUMERS_HELD: "消费者被暂缓",
      NO_CREDIT: "消费者额度已用完",
      OUTBOX_CROWDED: "待发送数据过多",
      BEHIND_OTHERS: "与其他队列轮流投递",
      IN_FLIGHT: "处理中",
      RETRY_DELAYED: "等待重试",
      DELAYED: "延迟",
      DEAD_LETTERS: "死信",
      EXPIRED: "已过期",
      DROPPED: "已丢弃",
      REACHES: "路由键可到达队列",
      FLOWING: "正在投递",
      EMPTY: "空",
      MORE_QUEUES: "还有更多队列",
    },
    topicAsWhole: "整个主题",
    nothing: "没有可说明的情况。",
    resume: "恢复",
    topic: "主题",
    topics: "主题列表",
    configure: "配置",
    consumers: "消费者",
    connections: "连接",
    deadLetters: "死信",
    delayed: "延迟消息",
    inFlight: "处理中的消息",
  },
});
