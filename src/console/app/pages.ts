/**
 * The pages: where each is, and how it is loaded.
 */
import type { ComponentType } from "preact";
import type { PageComponent } from "../base/page.js";
import type { text } from "./text.js";

interface Place {
  /** Below `#/`; a part that begins with a colon stands for any name: `topics/:topic/dead`. */
  readonly path: string;
  /** What the navigation calls it; undefined: it is not there. */
  readonly title?: keyof ReturnType<typeof text> & ("overview" | "nodes" | "topics" | "channels" | "connections");
}

export type PageEntry = Place &
  (
    | { readonly load: () => Promise<PageComponent> }
    /** It asks the server of the page alone, and is drawn without a client. */
    | { readonly loadAlone: () => Promise<ComponentType> }
  );

/** Where there are several nodes, until one is chosen. */
export const NODES = "nodes";

/** In the order of the navigation. */
export const PAGES: readonly PageEntry[] = [
  { path: "", title: "overview", load: async () => (await import("../pages/overview/overview-page.js")).Page },
  { path: NODES, title: "nodes", loadAlone: async () => (await import("../pages/nodes/nodes-page.js")).Page },
  {
    path: "topics",
    title: "topics",
    load: async () => (await import("../pages/topics/topics-page.js")).Page,
  },
  {
    path: "topics/:topic",
    load: async () => (await import("../pages/topic/topic-page.js")).Page,
  },
  {
    path: "topics/:topic/messages",
    load: async () => (await import("../pages/messages/messages-page.js")).Page,
  },
  {
    path: "channels",
    title: "channels",
    load: async () => (await import("../pages/channels/channels-page.js")).Page,
  },
  {
    path: "channels/:channel",
    load: async () => (await import("../pages/channels/channel-page.js")).Page,
  },
  {
    path: "connections",
    title: "connections",
    load: async () => (await import("../pages/connections/connections-page.js")).Page,
  },
  {
    path: "topics/:topic/dead",
    load: async () => (await import("../pages/dead-letters/dead-page.js")).Page,
  },
  {
    path: "topics/:topic/explain",
    load: async () => (await import("../pages/explain/explain-page.js")).Page,
  },
  {
    path: "topics/:topic/messages/:id",
    load: async () => (await import("../pages/history/history-page.js")).Page,
  },
  {
    path: "find",
    load: async () => (await import("../pages/history/find-page.js")).Page,
  },
];

/** The page of an address, and what stands there for its names; undefined: there is none. */
export const findPage = (
  path: readonly string[],
): { readonly page: PageEntry; readonly params: Readonly<Record<string, string>> } | undefined => {
  for (const page of PAGES) {
    const parts = page.path.split("/").filter((part) => part !== "");
    const fits = parts.every((part, i) => part.startsWith(":") || part === path[i]);
    if (!fits || parts.length !== path.length) continue;
    const names = parts.flatMap((part, i) => (part.startsWith(":") ? [[part.slice(1), path[i] ?? ""]] : []));
    return { page, params: Object.fromEntries(names) };
  }
  return undefined;
};
