/**
 * Popping by hand, and what was popped.
 */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Message } from "ringmq/client";
import { useAction } from "../../parts/action.js";
import { bodyPreview } from "../../parts/body-preview.js";
import { ErrorLine } from "../../parts/error-line.js";
import { NumberField, SelectField } from "../../parts/fields.js";
import { FormDialog } from "../../parts/form-dialog.js";
import { age } from "../../parts/format.js";
import { Name } from "../../parts/name.js";
import type { HeldMessage, HeldMessages } from "./held-messages.js";
import { text } from "./text.js";

/** Messages that are popped at once, at most: more than that nobody settles by hand. */
const MOST = 100;

interface PopProps {
  readonly held: HeldMessages;
  readonly queue: string;
  readonly isDead: boolean;
  readonly ttr: number;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

export const Pop = ({ held, queue, isDead, ttr, onDone, onClose }: PopProps) => {
  const words = text();
  const max = useSignal<number | undefined>(1);
  const from = useSignal<"ready" | "dead">(isDead ? "dead" : "ready");
  const pop = async (): Promise<void> => {
    const came = await held.pop({ queue, max: max.value ?? 1, isDead: from.value === "dead", ttr });
    if (came === 0) throw new Error(words.popNothing);
    onDone();
  };
  return (
    <FormDialog title={words.popTitle} deed={words.pop} isReady={max.value !== undefined} act={pop} onClose={onClose}>
      <SelectField
        label={
          <>
            {words.popFrom} <Name value={queue} />
          </>
        }
        value={from.value}
        options={[
          ["ready", words.popFromReady],
          ["dead", words.popFromDead],
        ]}
        onInput={(next) => {
          from.value = next;
        }}
      />
      <NumberField
        label={words.popCount}
        min={1}
        max={MOST}
        value={max.value}
        onInput={(next) => {
          max.value = next;
        }}
      />
      <p class="muted">{words.popText}</p>
    </FormDialog>
  );
};

/** The present, as long as something is counted down. Milliseconds of the page's own clock. */
const useNow = (): number => {
  const now = useSignal(performance.now());
  useEffect(() => {
    const timer = setInterval(() => {
      now.value = performance.now();
    }, 1_000);
    return () => clearInterval(timer);
  }, []);
  return now.value;
};

const DEEDS = {
  ack: (message) => message.ack(),
  nack: (message) => message.nack(),
  reject: (message) => message.nack({ retry: false }),
  release: (message) => message.release(),
} as const satisfies Readonly<Record<string, (message: Message) => Promise<void>>>;

type Deed = keyof typeof DEEDS;

const NAMES = Object.keys(DEEDS) as readonly Deed[];

interface HeldRowProps {
  readonly held: HeldMessages;
  readonly row: HeldMessage;
  readonly now: number;
  readonly ttr: number;
  readonly onOpen: (row: HeldMessage) => void;
  readonly onDone: () => void;
}

const HeldRow = ({ held, row, now, ttr, onOpen, onDone }: HeldRowProps) => {
  const words = text();
  const { message, end } = row;
  const { run, isRunning, error } = useAction(async (act: () => Promise<void>) => {
    await act();
    onDone();
  });
  const isOver = end === undefined || end <= now;
  return (
    <li>
      <button type="button" class="quiet id" onClick={() => onOpen(row)}>
        {message.id}
      </button>
      <bdi class="preview">{bodyPreview(message.body)}</bdi>
      <span class="muted">
        {end === undefined && words.acked}
        {end !== undefined && isOver && words.over}
        {end !== undefined && !isOver && `${words.leaseEnds} ${age(Math.ceil((end - now) / 1_000) * 1_000)}`}
      </span>
      <span class="tools">
        {isOver ? (
          <button type="button" onClick={() => held.forget(row)}>
            {words.dismiss}
          </button>
        ) : (
          <>
            {NAMES.map((deed) => (
              <button
                key={deed}
                type="button"
                disabled={isRunning}
                onClick={() => void run(() => held.settle(row, DEEDS[deed]))}
              >
                {words[deed]}
              </button>
            ))}
            <button type="button" disabled={isRunning} onClick={() => void run(() => held.touch(row, ttr))}>
              {words.touch}
            </button>
          </>
        )}
      </span>
      <ErrorLine error={error} />
    </li>
  );
};

interface HeldListProps extends Pick<HeldRowProps, "held" | "ttr" | "onOpen" | "onDone"> {}

export const HeldList = ({ held, ttr, onOpen, onDone }: HeldListProps) => {
  const words = text();
  const now = useNow();
  const { value: rows } = held.all;
  const leased = rows.filter(({ end }) => end !== undefined && end > now);
  const { run, isRunning, error } = useAction(async (deed: Deed) => {
    await Promise.all(leased.map((row) => held.settle(row, DEEDS[deed])));
    onDone();
  });
  return (
    <section class="card held" aria-label={words.held}>
      <header class="tools">
        <h2>{words.held}</h2>
        <span class="space" />
        {leased.length > 1 && <span class="muted">{words.forAll}</span>}
        {leased.length > 1 &&
          NAMES.map((deed) => (
            <button key={deed} type="button" disabled={isRunning} onClick={() => void run(deed)}>
              {words[deed]}
            </button>
          ))}
      </header>
      <ErrorLine error={error} />
      <ul>
        {rows.map((row) => (
          <HeldRow
            key={`${row.message.id} ${row.queue}`}
            held={held}
            row={row}
            now={now}
            ttr={ttr}
            onOpen={onOpen}
            onDone={onDone}
          />
        ))}
      </ul>
    </section>
  );
};
