/**
 * Where a message is now, and what can be done with it there.
 */
import { useSignal } from "@preact/signals";
import type { Client, HistoryCopy, Settlement } from "ringmq/client";
import { hrefTo } from "../../base/route.js";
import { useAction } from "../../parts/action.js";
import { Confirm } from "../../parts/confirm.js";
import { ErrorLine } from "../../parts/error-line.js";
import { count, moment } from "../../parts/format.js";
import { Name } from "../../parts/name.js";
import { text, wordOf } from "./text.js";

interface CopyProps {
  readonly client: Client;
  readonly topic: string;
  readonly id: string;
  readonly copy: HistoryCopy;
  /** It may be somewhere else now. */
  readonly onChanged: () => Promise<void>;
}

/** Rejects when nothing was done. */
const assertDone = ({ settled }: Settlement): void => {
  if (settled === 0) throw new Error(text().gone);
};

const Deeds = ({ client, topic, id, copy: { queue, state }, onChanged }: CopyProps) => {
  const words = text();
  const isCancelling = useSignal(false);
  const act = useAction(async (deed: () => Promise<Settlement>) => {
    const settlement = await deed();
    await onChanged();
    assertDone(settlement);
  });
  return (
    <>
      <div class="tools">
        {state === "dead" && (
          <button
            type="button"
            disabled={act.isRunning}
            onClick={() => void act.run(() => client.deadLetters(topic, { queue }).redrive({ ids: id }))}
          >
            {words.redrive}
          </button>
        )}
        {state === "delayed" && (
          <>
            <button
              type="button"
              disabled={act.isRunning}
              onClick={() => void act.run(() => client.runNow(topic, id, { queue }))}
            >
              {words.runNow}
            </button>
            <button
              type="button"
              class="danger"
              onClick={() => {
                isCancelling.value = true;
              }}
            >
              {words.cancel}
            </button>
          </>
        )}
        <a href={hrefTo(["topics", topic, "explain"], { queue })}>{words.explain}</a>
      </div>
      <ErrorLine error={act.error} />
      {isCancelling.value && (
        <Confirm
          title={words.cancelTitle}
          deed={words.cancel}
          act={async () => {
            const settlement = await client.cancel(topic, id, { queue });
            await onChanged();
            assertDone(settlement);
          }}
          onClose={() => {
            isCancelling.value = false;
          }}
        >
          <p>{words.cancelText}</p>
        </Confirm>
      )}
    </>
  );
};

const TONES: Readonly<Record<HistoryCopy["state"], string>> = {
  ready: "tag",
  delayed: "tag",
  "in-flight": "tag warn",
  dead: "tag bad",
};

export const Copy = (props: CopyProps) => {
  const words = text();
  const { queue, state, retry, reason, time, client, connection } = props.copy;
  return (
    <section class="card copy">
      <h3>
        <span class={TONES[state]}>{wordOf(words.states, state)}</span> <Name value={queue} />
      </h3>
      <p class="muted">
        {[
          reason === "" ? "" : wordOf(words.reasons, reason),
          time === 0 ? "" : state === "dead" ? words.since(moment(time)) : words.until(moment(time)),
          retry === 0 ? "" : words.retries(count(retry)),
        ]
          .filter((part) => part !== "")
          .join(" · ")}
      </p>
      {state === "in-flight" && (
        <p>
          {words.heldBy} <Name value={client === "" ? words.popped : client} />
          {connection !== 0 && (
            <>
              {" · "}
              <a href={hrefTo(["connections"], { id: String(connection) })}>{words.connection(String(connection))}</a>
            </>
          )}
        </p>
      )}
      <Deeds {...props} />
    </section>
  );
};
