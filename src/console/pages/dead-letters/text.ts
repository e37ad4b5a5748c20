/** The texts of the dead letters. */
import type { DeathReason, FailureKind } from "ringmq/client";
import { texts } from "../../base/language.js";

interface DeadLettersText extends Readonly<Record<string, unknown>> {
  readonly title: string;
  readonly topics: string;
  readonly queue: string;
  readonly reload: string;
  readonly newer: (now: string, then: string) => string;
  readonly cut: (shown: string) => string;
  readonly none: string;
  readonly groups: string;
  readonly letters: string;
  readonly lettersOf: string;
  readonly showAll: string;
  readonly died: string;
  readonly why: string;
  readonly said: string;
  readonly nothingSaid: string;
  readonly consumer: string;
  readonly count: string;
  readonly first: string;
  readonly last: string;
  readonly id: string;
  readonly body: string;
  readonly failures: string;
  readonly open: string;
  readonly select: (id: string) => string;
  readonly selectAll: string;
  readonly selectNone: string;
  readonly selected: (count: string) => string;
  readonly deaths: Readonly<Record<DeathReason, string>>;
  readonly kinds: Readonly<Record<FailureKind, string>>;
  readonly noFailures: string;
  readonly leftOut: string;
  readonly history: string;
  readonly routeKey: string;
  readonly redrive: string;
  readonly redriveDeed: string;
  readonly redriveTitle: (what: string) => string;
  readonly redriveText: string;
  readonly rate: string;
  readonly rateHint: string;
  readonly dryRun: string;
  readonly wouldBe: (count: string) => string;
  readonly progress: (done: string, all: string) => string;
  readonly stop: string;
  readonly stopped: string;
  readonly redriven: (count: string) => string;
  readonly faults: (count: string) => string;
  readonly close: string;
  readonly purge: string;
  readonly purgeAll: string;
  readonly purgeDeed: string;
  readonly purgeTitle: (what: string) => string;
  readonly purgeText: string;
  readonly all: string;
  readonly one: string;
  readonly some: (count: string) => string;
  readonly group: string;
  readonly edit: string;
  readonly editTitle: string;
  readonly editText: string;
  readonly newBody: string;
  readonly hexBody: string;
  readonly notHex: string;
  readonly tooLong: (size: string) => string;
  readonly publish: string;
  readonly published: string;
  readonly replaced: string;
  readonly notReplaced: string;
}

export const text = texts<DeadLettersText>({
  en: {
    title: "Dead letters",
    topics: "Topics",
    queue: "Queue",
    reload: "Refresh",
    newer: (now, then) => `There are ${now} now; ${then} are shown.`,
    cut: (shown) =>
      `Of many, the first ${shown} were looked through. What is done with all, or with a group, reaches the others too.`,
    none: "No dead letters.",
    groups: "By what they died of",
    letters: "Messages",
    lettersOf: "Messages of the group",
    showAll: "Show all",
    died: "Died",
    why: "Cause",
    said: "Reason given",
    nothingSaid: "none",
    consumer: "Last consumer",
    count: "Messages",
    first: "First",
    last: "Last",
    id: "Id",
    body: "Body",
    failures: "Failures",
    open: "Open",
    select: (id) => `Select ${id}`,
    selectAll: "Select all shown",
    selectNone: "Select none",
    selected: (count) => `${count} selected`,
    deaths: { retries: "too many retries", expired: "expired", rejected: "rejected", "too-old": "too old to retry" },
    kinds: {
      nacked: "given back",
      "timed-out": "not settled in time",
      "consumer-gone": "connection ended",
      rejected: "rejected",
    },
    noFailures: "No delivery of it has failed.",
    leftOut: "Failures in between are not kept.",
    history: "History",
    routeKey: "Route key",
    redrive: "Re-drive…",
    redriveDeed: "Re-drive",
    redriveTitle: (what) => `Re-drive ${what}`,
    redriveText:
      "They go to the tail of their queue, with no failures counted and their history kept, and are delivered like any other.",
    rate: "Messages a second",
    rateHint: "Empty: as fast as it goes.",
    dryRun: "Dry run",
    wouldBe: (count) => `${count} would be re-driven. Nothing was changed.`,
    progress: (done, all) => `${done} of ${all}`,
    stop: "Stop",
    stopped: "Stopped.",
    redriven: (count) => `${count} re-driven.`,
    faults: (count) => `${count} were not there any more:`,
    close: "Close",
    purge: "Purge…",
    purgeAll: "Purge all…",
    purgeDeed: "Purge",
    purgeTitle: (what) => `Purge ${what}?`,
    purgeText: "They are dropped, and cannot be brought back.",
    all: "all dead letters",
    one: "one message",
    some: (count) => `${count} messages`,
    group: "the group",
    edit: "Edit…",
    editTitle: "Edit and publish",
    editText:
      "A new message with this body and the same headers is published to the queue. When the broker has confirmed it, the old one is purged: until then both are there, and nothing is lost. The new one has an id of its own and no history.",
    newBody: "Body",
    hexBody: "Body, in hexadecimal",
    notHex: "Pairs of hexadecimal digits",
    tooLong: (size) => `A body of ${size} is too long to be edited here.`,
    publish: "Publish, then purge the old one",
    published: "Published as",
    replaced: "The old one is gone.",
    notReplaced:
      "The old one was not there any more: somebody else has re-driven, popped or purged it, so that there may be two now.",
  },
  zh: {
    title: "死信",
    topics: "主题",
    queue: "队列",
    reload: "重新查看",
    newer: (now, then) => `现有 ${now} 条；显示 ${then} 条。`,
    cut: (shown) => `数量很多，仅查看了前 ${shown} 条。对全部或某一组的操作也会作用于其余的消息。`,
    none: "没有死信。",
    groups: "按死亡原因",
    letters: "消息",
    lettersOf: "该组的消息",
    showAll: "显示全部",
    died: "时间",
    why: "原因",
    said: "失败说明",
    nothingSaid: "无",
    consumer: "最后的消费者",
    count: "消息数",
    first: "最早",
    last: "最近",
    id: "编号",
    body: "消息体",
    failures: "失败记录",
    open: "打开",
    select: (id) => `选择 ${id}`,
    selectAll: "选择全部",
    selectNone: "取消选择",
    selected: (count) => `已选择 ${count} 条`,
    deaths: { retries: "超过重试次数", expired: "过期", rejected: "被拒绝", "too-old": "超过重试期限" },
    kinds: { nacked: "被退回", "timed-out": "未按时确认", "consumer-gone": "连接断开", rejected: "被拒绝" },
    noFailures: "没有失败的投递。",
    leftOut: "中间的失败记录未保留。",
    history: "经历",
    routeKey: "路由键",
    redrive: "重新投递…",
    redriveDeed: "重新投递",
    redriveTitle: (what) => `重新投递${what}`,
    redriveText: "消息回到队列末尾，失败次数清零，历史保留，并像其他消息一样被投递。",
    rate: "每秒消息数",
    rateHint: "留空：尽可能快。",
    dryRun: "试运行",
    wouldBe: (count) => `将重新投递 ${count} 条。未作任何更改。`,
    progress: (done, all) => `${done} / ${all}`,
    stop: "停止",
    stopped: "已停止。",
    redriven: (count) => `已重新投递 ${count} 条。`,
    faults: (count) => `${count} 条已不存在：`,
    close: "关闭",
    purge: "清除…",
    purgeAll: "全部清除…",
    purgeDeed: "清除",
    purgeTitle: (what) => `清除${what}？`,
    purgeText: "消息将被丢弃，无法恢复。",
    all: "全部死信",
    one: "一条消息",
    some: (count) => `${count} 条消息`,
    group: "该组",
    edit: "编辑…",
    editTitle: "编辑并发布",
    editText:
      "将以此消息体和相同的消息头向队列发布一条新消息。服务器确认之后才清除旧消息：在此之前两者并存，不会丢失。新消息有自己的编号，没有历史。",
    newBody: "消息体",
    hexBody: "消息体（十六进制）",
    notHex: "请输入成对的十六进制数字",
    tooLong: (size) => `消息体为 ${size}，过长，无法在此编辑。`,
    publish: "发布，然后清除旧消息",
    published: "已发布，编号",
    replaced: "旧消息已清除。",
    notReplaced: "旧消息已不存在：可能已被他人重新投递、拉取或清除，因此现在可能有两条。",
  },
});
