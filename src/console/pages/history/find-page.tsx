/**
 * Finds a message by its id: in the topic that is named, or wherever it is.
 */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { PageProps } from "../../base/page.js";
import { goTo, hrefTo, route } from "../../base/route.js";
import { ErrorLine } from "../../parts/error-line.js";
import { TextField } from "../../parts/fields.js";
import { useFollowing } from "../../parts/following.js";
import { count } from "../../parts/format.js";
import { Name } from "../../parts/name.js";
import { PageHead } from "../../parts/page-head.js";
import "./history.css";
import { type Search, searchTopics } from "./search.js";
import { text } from "./text.js";

const isId = (typed: string): boolean => /^\d{1,20}$/.test(typed);

const placeOf = (topic: string, id: string): string => hrefTo(["topics", topic, "messages", id]);

interface Running {
  readonly search: Search | undefined;
  readonly isOver: boolean;
  readonly error: Error | undefined;
}

const START: Running = { search: undefined, isOver: false, error: undefined };

/** Searches as long as it is drawn; goes to the message where one topic has it. */
const Results = ({ client, id }: { readonly client: PageProps["client"]; readonly id: string }) => {
  const words = text();
  const running = useSignal(START);
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    const follow = async (): Promise<void> => {
      for await (const search of searchTopics(client, id, signal)) {
        if (signal.aborted) return;
        running.value = { search, isOver: false, error: undefined };
      }
      if (signal.aborted) return;
      const { search } = running.value;
      running.value = { search, isOver: true, error: undefined };
      const [only, ...others] = search?.found ?? [];
      // In place of this one, so that "back" does not come here again.
      if (only !== undefined && others.length === 0) location.replace(placeOf(only, id));
    };
    follow().catch((error: unknown) => {
      if (!signal.aborted) running.value = { ...running.value, isOver: true, error: error as Error };
    });
    return () => controller.abort();
  }, [client, id]);
  const { search, isOver, error } = running.value;
  return (
    <>
      <ErrorLine error={error} />
      {search !== undefined && !isOver && (
        <p role="status" class="muted">
          {words.looking(count(search.seen), count(search.topics))}
        </p>
      )}
      <ul class="found">
        {search?.found.map((topic) => (
          <li key={topic}>
            <Name value={topic} href={placeOf(topic, id)} />
          </li>
        ))}
      </ul>
      {isOver && search?.found.length === 0 && <p role="status">{words.notFound(count(search.topics))}</p>}
    </>
  );
};

export const Page = ({ client }: PageProps) => {
  const words = text();
  const id = route.value.query.get("id") ?? "";
  const topic = useSignal("");
  const typed = useFollowing(id);
  const search = (event: Event): void => {
    event.preventDefault();
    const wanted = typed.value.trim();
    goTo(topic.value === "" ? hrefTo(["find"], { id: wanted }) : placeOf(topic.value, wanted));
  };
  const isWrong = typed.value.trim() !== "" && !isId(typed.value.trim());
  return (
    <>
      <PageHead title={words.find} />
      <p class="muted">{words.findAbout}</p>
      <form class="find-form" onSubmit={search}>
        <TextField
          label={words.id}
          value={typed.value}
          fault={isWrong ? words.notAnId : undefined}
          onInput={(value) => {
            typed.value = value;
          }}
        />
        <TextField
          label={words.topic}
          hint={words.topicHint}
          value={topic.value}
          onInput={(value) => {
            topic.value = value;
          }}
        />
        <button type="submit" class="primary" disabled={!isId(typed.value.trim())}>
          {words.show}
        </button>
      </form>
      {isId(id) && <Results key={id} client={client} id={id} />}
    </>
  );
};
