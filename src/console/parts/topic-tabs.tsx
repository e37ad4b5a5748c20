/**
 * The pages of a topic, and the way from one to the others.
 */
import { hrefTo } from "../base/route.js";
import { text } from "./text.js";
import "./topic-tabs.css";

const PLACES = { topic: [], messages: ["messages"], dead: ["dead"], explain: ["explain"] } as const;

export type TopicTab = keyof typeof PLACES;

interface TopicTabsProps {
  readonly topic: string;
  /** The page that is shown. */
  readonly current: TopicTab;
  /** The bind key of the queue that is shown: the others show the same. */
  readonly queue?: string | undefined;
}

export const TopicTabs = ({ topic, current, queue }: TopicTabsProps) => (
  <nav class="tabs" aria-label={text().tabs.label}>
    {(Object.keys(PLACES) as TopicTab[]).map((tab) => (
      <a
        key={tab}
        href={hrefTo(["topics", topic, ...PLACES[tab]], queue === undefined || tab === "topic" ? {} : { queue })}
        aria-current={tab === current ? "page" : undefined}
      >
        {text().tabs[tab]}
      </a>
    ))}
  </nav>
);
