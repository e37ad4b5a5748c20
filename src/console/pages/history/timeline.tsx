/**
 * What has happened to a message, one thing after the other.
 */
import type { HistoryEvent } from "ringmq/client";
import { count, moment } from "../../parts/format.js";
import { Name, visibleLines } from "../../parts/name.js";
import { text, wordOf } from "./text.js";

type Words = ReturnType<typeof text>;

const timeOf = ({ time, after, before }: HistoryEvent, words: Words): string => {
  if (time > 0) return moment(time);
  if (after > 0 && before > 0) return words.between(moment(after), moment(before));
  if (after > 0) return words.after(moment(after));
  return before > 0 ? words.before(moment(before)) : words.noTime;
};

/** What there is to say beyond what has happened. */
const detailOf = (event: HistoryEvent, words: Words): string => {
  if (event.what === "failed") return wordOf(words.hows, event.how);
  if (event.what === "dead") return wordOf(words.reasons, event.reason);
  return event.due > 0 ? words.until(moment(event.due)) : "";
};

const Event = ({ event, isQueueShown }: { readonly event: HistoryEvent; readonly isQueueShown: boolean }) => {
  const words = text();
  const { what, queue, number, client, text: told } = event;
  const detail = detailOf(event, words);
  return (
    <li class={`event ${what}`}>
      <div class="what">
        <strong>{what === "failed" && number > 0 ? words.failure(count(number)) : wordOf(words.events, what)}</strong>
        {detail !== "" && <span>{detail}</span>}
        {client !== "" && <Name value={client} />}
        {isQueueShown && queue !== "" && (
          <span class="tag">
            <Name value={queue} />
          </span>
        )}
        <span class="time muted">{timeOf(event, words)}</span>
      </div>
      {told !== "" && <pre class="told">{visibleLines(told)}</pre>}
    </li>
  );
};

export const Timeline = ({ events }: { readonly events: readonly HistoryEvent[] }) => {
  const isQueueShown = new Set(events.map(({ queue }) => queue)).size > 1;
  return (
    <ol class="timeline">
      {events.map((event, i) => (
        // They stay in their order, and have no names of their own.
        <Event key={i} event={event} isQueueShown={isQueueShown} />
      ))}
    </ol>
  );
};
