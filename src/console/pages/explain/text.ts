/** The texts of the page that explains. */
import { texts } from "../../base/language.js";

export const text = texts({
  en: {
    title: "Explain",
    topics: "Topics",
    about: "Why messages do not arrive: what the broker finds now, most important first.",
    queue: "Queue",
    allQueues: "All queues",
    routeKey: "Route key",
    routeKeyHint: "Also tells which queues a message with this route key reaches.",
    look: "Check",
  },
  zh: {
    title: "诊断",
    topics: "主题",
    about: "消息为何没有到达：服务器当前的发现，最重要的在前。",
    queue: "队列",
    allQueues: "全部队列",
    routeKey: "路由键",
    routeKeyHint: "同时说明带此路由键的消息会到达哪些队列。",
    look: "查看",
  },
});
