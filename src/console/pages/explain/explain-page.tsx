/**
 * Why messages of a topic, or of one of its queues, do not arrive.
 */

import type { PageProps } from "../../base/page.js";
import { goTo, hrefTo, route } from "../../base/route.js";
import { usePolled } from "../../broker/polled.js";
import { Findings } from "../../findings/findings.js";
import { SelectField, TextField } from "../../parts/fields.js";
import { useFollowing } from "../../parts/following.js";
import { visible } from "../../parts/name.js";
import { PageHead } from "../../parts/page-head.js";
import { TopicTabs } from "../../parts/topic-tabs.js";
import "./explain.css";
import { text } from "./text.js";

/** The names of its queues; none where the broker does not tell them. */
const useQueues = ({ client }: PageProps, topic: string): readonly string[] => {
  const { value } = usePolled(() => client.stats(topic), [client, topic], Number.POSITIVE_INFINITY);
  return value?.queues.map(({ bindKey }) => bindKey) ?? [];
};

export const Page = (props: PageProps) => {
  const words = text();
  const { topic = "" } = props.params;
  const { query } = route.value;
  const queue = query.get("queue") ?? undefined;
  const routeKey = query.get("key") ?? undefined;
  const typed = useFollowing(routeKey ?? "");
  const queues = useQueues(props, topic);
  const show = (nextQueue: string, key: string): void => {
    goTo(
      hrefTo(["topics", topic, "explain"], {
        ...(nextQueue === "" ? {} : { queue: nextQueue }),
        ...(key === "" ? {} : { key }),
      }),
    );
  };
  const named = queue === undefined || queues.includes(queue) ? queues : [queue, ...queues];
  return (
    <>
      <PageHead
        title={words.title}
        above={[
          { title: words.topics, href: hrefTo(["topics"]) },
          { title: topic, href: hrefTo(["topics", topic]) },
        ]}
      />
      <TopicTabs topic={topic} current="explain" queue={queue} />
      <p class="muted">{words.about}</p>
      <form
        class="explain-form"
        onSubmit={(event) => {
          event.preventDefault();
          show(queue ?? "", typed.value);
        }}
      >
        <SelectField
          label={words.queue}
          value={queue ?? ""}
          options={[["", words.allQueues], ...named.map((name) => [name, visible(name)] as const)]}
          onInput={(next) => show(next, typed.value)}
        />
        <TextField
          label={words.routeKey}
          hint={words.routeKeyHint}
          value={typed.value}
          onInput={(next) => {
            typed.value = next;
          }}
        />
        <button type="submit">{words.look}</button>
      </form>
      <Findings client={props.client} topic={topic} queue={queue} routeKey={routeKey} />
    </>
  );
};
