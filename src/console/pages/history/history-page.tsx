/**
 * The biography of a message: where it is now, and what has happened to it since it was published, as far as the broker knows.
 */
import { Fragment } from "preact";
import { useCallback } from "preact/hooks";
import type { Client, FoundMessage, MessageHistory } from "ringmq/client";
import type { PageProps } from "../../base/page.js";
import { hrefTo } from "../../base/route.js";
import { usePolled } from "../../broker/polled.js";
import { BodyView } from "../../parts/body-view.js";
import { ErrorLine } from "../../parts/error-line.js";
import { moment } from "../../parts/format.js";
import { HeaderList } from "../../parts/header-list.js";
import { Loading } from "../../parts/loading.js";
import { Name, visible } from "../../parts/name.js";
import { PageHead } from "../../parts/page-head.js";
import { Copy } from "./copies.js";
import "./history.css";
import { lookUp } from "./look-up.js";
import { text, wordOf } from "./text.js";
import { Timeline } from "./timeline.js";

interface Biography {
  readonly history: MessageHistory;
  /** Undefined: no queue has it. */
  readonly message: FoundMessage | undefined;
}

const lookAt = async (client: Client, topic: string, id: string): Promise<Biography> => {
  const [history, message] = await Promise.all([client.history(topic, id), lookUp(client, topic, id)]);
  return { history, message };
};

const Facts = ({ history: { published, origin } }: Biography) => {
  const words = text();
  const facts: (readonly [string, string])[] = [[words.published, moment(published)]];
  if (origin !== null) {
    const { routeKey, key, producer, sequence, due, expiry } = origin;
    if (routeKey !== "") facts.push([words.routeKey, routeKey]);
    if (key !== "") facts.push([words.key, key]);
    if (due > 0) facts.push([words.due, moment(due)]);
    if (expiry > 0) facts.push([words.expiry, moment(expiry)]);
    if (producer !== "") facts.push([words.producer, producer], [words.sequence, String(sequence)]);
  }
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <Fragment key={name}>
          <dt>{name}</dt>
          <dd>
            <Name value={value} />
          </dd>
        </Fragment>
      ))}
    </dl>
  );
};

const Content = ({ message, id }: { readonly message: FoundMessage; readonly id: string }) => {
  const readHeaders = useCallback(() => message.headers, [message]);
  return (
    <section class="card history-part">
      <h2>{text().body}</h2>
      <BodyView bytes={message.body} fileName={`message-${id}`} />
      <HeaderList read={readHeaders} />
    </section>
  );
};

const Unknown = ({ unknown }: Pick<MessageHistory, "unknown">) => {
  const words = text();
  return unknown.length === 0 ? null : (
    <section class="history-part">
      <h2>{words.unknown}</h2>
      <ul class="unknown muted">
        {unknown.map(({ code, text: told }) => (
          <li key={code}>
            {code in words.unknowns ? wordOf(words.unknowns, code) : visible(told)} <code>{code}</code>
          </li>
        ))}
      </ul>
    </section>
  );
};

export const Page = ({ client, params }: PageProps) => {
  const words = text();
  const { topic = "", id = "" } = params;
  // A look reads the journal: it is taken once, and again when it is asked for.
  const { value, error, reload } = usePolled(() => lookAt(client, topic, id), [client], Number.POSITIVE_INFINITY);
  return (
    <>
      <PageHead
        title={words.title(id)}
        above={[
          { title: words.topics, href: hrefTo(["topics"]) },
          { title: topic, href: hrefTo(["topics", topic]) },
          { title: words.messages, href: hrefTo(["topics", topic, "messages"]) },
        ]}
      >
        <button type="button" onClick={() => void reload()}>
          {words.reload}
        </button>
      </PageHead>
      <ErrorLine error={error} />
      {value === undefined ? (
        <Loading unless={error} />
      ) : (
        <>
          <Facts {...value} />
          <section class="history-part">
            <h2>{words.where}</h2>
            {value.history.copies.length === 0 && <p class="muted">{words.nowhere}</p>}
            <div class="cards">
              {value.history.copies.map((copy) => (
                <Copy key={copy.queue} client={client} topic={topic} id={id} copy={copy} onChanged={reload} />
              ))}
            </div>
          </section>
          {value.history.events.length > 0 && (
            <section class="history-part">
              <h2>{words.happened}</h2>
              <Timeline events={value.history.events} />
            </section>
          )}
          {value.message !== undefined && <Content message={value.message} id={id} />}
          <Unknown unknown={value.history.unknown} />
        </>
      )}
    </>
  );
};
