/** The texts of a message's history, and of looking for a message. */
import type { HistoryEvent } from "ringmq/client";
import { texts } from "../../base/language.js";

type Names<K extends string = string> = Readonly<Record<K, string>>;

interface HistoryText extends Readonly<Record<string, unknown>> {
  readonly title: (id: string) => string;
  readonly topics: string;
  readonly messages: string;
  readonly reload: string;
  readonly where: string;
  readonly nowhere: string;
  readonly since: (time: string) => string;
  readonly until: (time: string) => string;
  readonly retries: (count: string) => string;
  readonly heldBy: string;
  readonly popped: string;
  readonly connection: (id: string) => string;
  readonly happened: string;
  readonly published: string;
  readonly routeKey: string;
  readonly key: string;
  readonly producer: string;
  readonly due: string;
  readonly expiry: string;
  readonly sequence: string;
  readonly unknown: string;
  readonly body: string;
  readonly noTime: string;
  readonly between: (after: string, before: string) => string;
  readonly after: (time: string) => string;
  readonly before: (time: string) => string;
  readonly failure: (number: string) => string;
  readonly states: Names<"ready" | "delayed" | "in-flight" | "dead">;
  readonly events: Names<HistoryEvent["what"]>;
  /** How deliveries fail, why messages die, and what cannot be told: words of the broker. */
  readonly hows: Names;
  readonly reasons: Names;
  readonly unknowns: Names;
  readonly redrive: string;
  readonly runNow: string;
  readonly cancel: string;
  readonly cancelTitle: string;
  readonly cancelText: string;
  readonly gone: string;
  readonly explain: string;
  readonly find: string;
  readonly findAbout: string;
  readonly id: string;
  readonly topic: string;
  readonly topicHint: string;
  readonly notAnId: string;
  readonly looking: (seen: string, all: string) => string;
  readonly notFound: (topics: string) => string;
  readonly show: string;
}

export const text = texts<HistoryText>({
  en: {
    title: (id) => `Message ${id}`,
    topics: "Topics",
    messages: "Messages",
    reload: "Refresh",
    where: "Where it is now",
    nowhere: "In no queue.",
    since: (time) => `since ${time}`,
    until: (time) => `until ${time}`,
    retries: (count) => `failed deliveries: ${count}`,
    heldBy: "with",
    popped: "popped",
    connection: (id) => `connection ${id}`,
    happened: "What has happened to it",
    published: "Published",
    routeKey: "Route key",
    key: "Key",
    producer: "Producer",
    due: "Delayed until",
    expiry: "Expires",
    sequence: "Number",
    unknown: "What the broker cannot tell",
    body: "Body",
    noTime: "time not recorded",
    between: (after, before) => `between ${after} and ${before}`,
    after: (time) => `after ${time}`,
    before: (time) => `before ${time}`,
    failure: (number) => `Delivery failed (${number})`,
    states: { ready: "Ready", delayed: "Delayed", "in-flight": "In flight", dead: "Dead" },
    events: {
      published: "Published",
      kept: "Kept when the journal was compacted",
      failed: "Delivery failed",
      ready: "Ready",
      redriven: "Re-driven",
      delayed: "Delayed",
      dead: "Dead",
      gone: "Done",
    },
    hows: {
      nacked: "given back",
      "timed out": "not settled in time",
      "consumer gone": "its consumer's connection ended",
      rejected: "rejected",
    },
    reasons: { retries: "too many retries", expired: "expired", rejected: "rejected", "too old": "too old to retry" },
    unknowns: {},
    redrive: "Re-drive",
    runNow: "Run now",
    cancel: "Cancel it",
    cancelTitle: "Cancel this message?",
    cancelText: "The delayed message is dropped. It cannot be brought back.",
    gone: "It was not there any more.",
    explain: "Explain the queue",
    find: "Find a message",
    findAbout: "Looks for a message by its id in the queues of all topics.",
    id: "Id",
    topic: "Topic",
    topicHint: "If you know it: a message that is done is in no queue, but the journal may still tell of it.",
    notAnId: "An id is a decimal number, as a publish or a message tells it.",
    looking: (seen, all) => `Looking: ${seen} of ${all} topics…`,
    notFound: (topics) =>
      `No queue of the ${topics} topics has it: it may be done, or never was. With the name of its topic, its history is read in the journal.`,
    show: "Show",
  },
  zh: {
    title: (id) => `消息 ${id}`,
    topics: "主题",
    messages: "消息",
    reload: "重新查看",
    where: "当前位置",
    nowhere: "不在任何队列中。",
    since: (time) => `自 ${time}`,
    until: (time) => `至 ${time}`,
    retries: (count) => `失败 ${count} 次`,
    heldBy: "持有者",
    popped: "被拉取",
    connection: (id) => `连接 ${id}`,
    happened: "经历",
    published: "发布时间",
    routeKey: "路由键",
    key: "键",
    producer: "生产者",
    due: "延迟至",
    expiry: "过期时间",
    sequence: "序号",
    unknown: "服务器无法说明的情况",
    body: "消息体",
    noTime: "时间未记录",
    between: (after, before) => `${after} 至 ${before} 之间`,
    after: (time) => `${time} 之后`,
    before: (time) => `${time} 之前`,
    failure: (number) => `投递失败（第 ${number} 次）`,
    states: { ready: "就绪", delayed: "延迟", "in-flight": "处理中", dead: "死信" },
    events: {
      published: "已发布",
      kept: "日志压缩时保留",
      failed: "投递失败",
      ready: "就绪",
      redriven: "重新投递",
      delayed: "延迟",
      dead: "成为死信",
      gone: "已结束",
    },
    hows: { nacked: "被退回", "timed out": "未按时确认", "consumer gone": "消费者的连接已断开", rejected: "被拒绝" },
    reasons: { retries: "超过重试次数", expired: "过期", rejected: "被拒绝", "too old": "超过重试期限" },
    unknowns: {
      NOT_FOUND: "没有任何记录：它已结束并被遗忘，或从未属于该主题。",
      ENDED: "它已不在任何队列中：已确认、取消、清除、过期或被挤掉，记录未说明是哪一种。",
      NO_JOURNAL: "该服务器没有日志。",
      NOT_IN_JOURNAL: "日志中没有它所在的批次：其主题只保存在内存中、尚未写入，或所在的段已不再需要。",
      RECLAIMED: "发布时的日志段已被回收，其中的内容已不再需要。",
      CUT_SHORT: "日志过长，未读到末尾。",
      LEFT_OUT: "事件过多，中间的一部分已省略。",
      FAILURES: "失败记录只保留最初和最近的若干次。",
      DELIVERIES: "投递本身不作记录，也不记录由谁确认；结束时间以前后记录的时间给出。",
      PUBLISHER: "未记录由谁发布。",
    },
    redrive: "重新投递",
    runNow: "立即执行",
    cancel: "取消消息",
    cancelTitle: "取消这条消息？",
    cancelText: "延迟消息将被丢弃，无法恢复。",
    gone: "它已不在那里。",
    explain: "诊断队列",
    find: "查找消息",
    findAbout: "按编号在所有主题的队列中查找消息。",
    id: "编号",
    topic: "主题",
    topicHint: "如果已知主题，也会根据日志说明已结束的消息。",
    notAnId: "编号是十进制数字，由发布结果或消息给出。",
    looking: (seen, all) => `正在查找：${seen} / ${all} 个主题…`,
    notFound: (topics) =>
      `${topics} 个主题的队列中都没有它：它可能已结束，或从未存在。填写主题名称可从日志中读取其经历。`,
    show: "显示",
  },
});

/** A word of the broker in the reader's language, or as it is. */
export const wordOf = (names: Names, word: string): string =>
  (Object.hasOwn(names, word) ? names[word] : undefined) ?? word;
