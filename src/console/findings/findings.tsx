/**
 * Why messages of a topic do not arrive: what the broker finds, the weightiest first, with the way to where it can be mended.
 */
import type { Client, Finding } from "ringmq/client";
import { language } from "../base/language.js";
import { usePolled } from "../broker/polled.js";
import { useAction } from "../parts/action.js";
import { ErrorLine } from "../parts/error-line.js";
import { Loading } from "../parts/loading.js";
import { Name, visible } from "../parts/name.js";
import { chineseText } from "./chinese.js";
import "./findings.css";
import { remediesOf, weightOf } from "./remedies.js";
import { text } from "./text.js";

interface FindingsProps {
  readonly client: Client;
  readonly topic: string;
  /** A bind key; undefined: all queues of the topic. */
  readonly queue?: string | undefined;
  /** Undefined: nothing is said of where messages go. */
  readonly routeKey?: string | undefined;
  /** Only what is in the way of messages; nothing where there is nothing, or the reader may not know. Default false. */
  readonly isBrief?: boolean;
}

const capitalized = (sentence: string): string => sentence.slice(0, 1).toUpperCase() + sentence.slice(1);

const sentenceOf = (finding: Finding): string =>
  (language.value === "zh" ? chineseText(finding, Date.now()) : undefined) ?? capitalized(finding.text);

interface FindingItemProps extends FindingsProps {
  readonly finding: Finding;
  readonly onMended: () => Promise<void>;
}

const FindingItem = ({ client, topic, queue, finding, onMended }: FindingItemProps) => {
  const words = text();
  const { code, queue: about } = finding;
  const { run, isRunning, error } = useAction(async () => {
    await client.resume(topic, { queue: about ?? undefined });
    await onMended();
  });
  return (
    <li class={`finding ${weightOf(finding)}`}>
      <div class="what">
        <strong>{words.titles[code] ?? code}</strong>
        {queue === undefined &&
          (about === null ? <span class="muted">{words.topicAsWhole}</span> : <Name value={about} />)}
        <code class="muted">{code}</code>
      </div>
      <p>{visible(sentenceOf(finding))}</p>
      <div class="remedies">
        {code === "PAUSED" && (
          <button type="button" disabled={isRunning} onClick={() => void run()}>
            {words.resume}
          </button>
        )}
        {remediesOf(finding, topic).map(({ name, href }) => (
          <a key={name} href={href}>
            {words[name]}
          </a>
        ))}
      </div>
      <ErrorLine error={error} />
    </li>
  );
};

/** It looks again every few seconds. */
export const Findings = (props: FindingsProps) => {
  const { client, topic, queue, routeKey, isBrief = false } = props;
  const { value, error, reload } = usePolled(
    () => client.explain(topic, { queue, routeKey }),
    [client, topic, queue, routeKey],
    3_000,
  );
  const shown = isBrief ? value?.filter((finding) => weightOf(finding) === "bad") : value;
  return (
    <>
      {!isBrief && <ErrorLine error={error} />}
      {!isBrief && value === undefined && <Loading unless={error} />}
      {!isBrief && value?.length === 0 && <p class="muted">{text().nothing}</p>}
      {shown !== undefined && shown.length > 0 && (
        <ol class="findings">
          {shown.map((finding) => (
            <FindingItem key={`${finding.code} ${finding.queue}`} {...props} finding={finding} onMended={reload} />
          ))}
        </ol>
      )}
    </>
  );
};
