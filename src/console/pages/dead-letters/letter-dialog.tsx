/**
 * A dead letter: what has happened to it, and what is in it.
 */
import { useCallback } from "preact/hooks";
import type { Failure, StoredMessage } from "ringmq/client";
import { hrefTo } from "../../base/route.js";
import { BodyView } from "../../parts/body-view.js";
import { Dialog } from "../../parts/dialog.js";
import { count, moment } from "../../parts/format.js";
import { HeaderList } from "../../parts/header-list.js";
import { Name, visibleLines } from "../../parts/name.js";
import { text } from "./text.js";

const FailureItem = ({ failure }: { readonly failure: Failure }) => {
  const { number, time, kind, consumer, reason } = failure;
  return (
    <li value={number}>
      <div class="what">
        <strong>{text().kinds[kind]}</strong>
        {consumer !== "" && <Name value={consumer} />}
        <span class="muted time">{moment(time)}</span>
      </div>
      {reason !== "" && <pre>{visibleLines(reason)}</pre>}
    </li>
  );
};

const Failures = ({ failures }: { readonly failures: readonly Failure[] }) => {
  const words = text();
  if (failures.length === 0) return <p class="muted">{words.noFailures}</p>;
  const isGapped = (failures.at(-1)?.number ?? 0) > failures.length;
  return (
    <>
      <ol class="failures">
        {failures.map((failure) => (
          <FailureItem key={failure.number} failure={failure} />
        ))}
      </ol>
      {isGapped && <p class="muted">{words.leftOut}</p>}
    </>
  );
};

interface LetterDialogProps {
  readonly topic: string;
  readonly letter: StoredMessage;
  readonly onEdit: () => void;
  readonly onRedrive: () => void;
  readonly onPurge: () => void;
  readonly onClose: () => void;
}

export const LetterDialog = ({ topic, letter, onEdit, onRedrive, onPurge, onClose }: LetterDialogProps) => {
  const words = text();
  const readHeaders = useCallback(() => letter.headers, [letter]);
  const { id, time, deadReason, retry, routeKey } = letter;
  return (
    <Dialog title={id} onClose={onClose} wide>
      <div class="letter">
        <dl class="facts">
          <dt>{words.died}</dt>
          <dd>{moment(time)}</dd>
          <dt>{words.why}</dt>
          <dd>{deadReason === undefined ? "" : words.deaths[deadReason]}</dd>
          <dt>{words.failures}</dt>
          <dd>{count(retry)}</dd>
          {routeKey !== "" && (
            <>
              <dt>{words.routeKey}</dt>
              <dd>
                <Name value={routeKey} />
              </dd>
            </>
          )}
        </dl>
        <Failures failures={letter.failures} />
        <BodyView bytes={letter.body} fileName={`message-${id}`} />
        <HeaderList read={readHeaders} />
        <div class="tools">
          <button type="button" class="primary" onClick={onRedrive}>
            {words.redrive}
          </button>
          <button type="button" onClick={onEdit}>
            {words.edit}
          </button>
          <button type="button" class="danger" onClick={onPurge}>
            {words.purge}
          </button>
          <span class="space" />
          <a href={hrefTo(["topics", topic, "messages", id])}>{words.history}</a>
        </div>
      </div>
    </Dialog>
  );
};
