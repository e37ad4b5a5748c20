/** Probes for the rooms of `src/console`: what each may import and what not. */

import type { Place } from "./places.js";

export const CONSOLE_PLACES: readonly Place[] = [
  {
    file: "src/console/base/probe.ts",
    may: ["./route.js", "@preact/signals", "ringmq/client"],
    mayNot: ["../broker/link.js", "../parts/format.js", "uplot", "node:fs", "../../client/client.js"],
  },
  {
    file: "src/console/broker/probe.ts",
    may: ["./link.js", "../base/route.js", "@preact/signals", "preact/hooks", "ringmq/client"],
    mayNot: ["../parts/format.js", "../app/pages.js", "uplot", "../../client/client.js", "../../protocol/op.js"],
  },
  {
    file: "src/console/parts/probe.tsx",
    may: ["./table.css", "../base/language.js", "../../main/data/control-characters.js", "preact", "uplot"],
    mayNot: ["../broker/link.js", "../pages/connections/text.js", "ringmq/client", "../../main/broker.js"],
  },
  {
    file: "src/console/pages/connections/probe.tsx",
    may: ["./text.js", "../../base/page.js", "../../broker/polled.js", "../../parts/table.js", "ringmq/client"],
    mayNot: ["../../app/pages.js", "../overview/text.js", "uplot", "../../../client/client.js"],
  },
  ...["channels", "dead-letters", "history", "nodes", "overview", "topics", "topic", "messages"].map((page) => ({
    file: `src/console/pages/${page}/probe.tsx`,
    may: ["./text.js", "../../base/page.js", "../../broker/polled.js", "../../parts/table.js", "ringmq/client"],
    mayNot: ["../../app/pages.js", "../connections/text.js", "uplot", "../../../client/client.js"],
  })),
  {
    file: "src/console/findings/probe.tsx",
    may: ["./text.js", "../base/route.js", "../broker/polled.js", "../parts/format.js", "ringmq/client"],
    mayNot: ["../pages/explain/text.js", "../app/pages.js", "uplot", "../../client/client.js"],
  },
  {
    file: "src/console/pages/explain/probe.tsx",
    may: ["./text.js", "../../base/page.js", "../../broker/polled.js", "../../findings/findings.js", "ringmq/client"],
    mayNot: ["../../app/pages.js", "../history/text.js", "uplot", "../../../client/client.js"],
  },
  {
    file: "src/console/app/probe.tsx",
    may: ["./frame.css", "../broker/link.js", "../pages/connections/text.js", "preact"],
    mayNot: ["uplot", "ringmq/client", "../../main/broker.js", "node:fs"],
  },
];
