/**
 * Re-drives dead letters, at a rate if need be: tells first what would be done, then how far it has come, and stops.
 */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { DeadLetters, Settlement } from "ringmq/client";
import { useAction } from "../../parts/action.js";
import { Dialog } from "../../parts/dialog.js";
import { ErrorLine } from "../../parts/error-line.js";
import { NumberField } from "../../parts/fields.js";
import { count } from "../../parts/format.js";
import { choiceOf, type Scope, scopeName } from "./scope.js";
import { text } from "./text.js";

/** Ids that are listed of those that were not there. */
const MOST_FAULTS = 20;

interface RedriveDialogProps {
  readonly dead: DeadLetters;
  readonly scope: Scope;
  /** It is over, or has gone part of its way. */
  readonly onDone: () => Promise<void>;
  readonly onClose: () => void;
}

interface Progress {
  readonly done: number;
  readonly chosen: number;
}

interface Outcome extends Settlement {
  readonly isDryRun: boolean;
  readonly isStopped: boolean;
}

const Outcomes = ({ outcome: { settled, faults, isDryRun, isStopped } }: { readonly outcome: Outcome }) => {
  const words = text();
  return (
    <div role="status" class="prose">
      <p>
        {isStopped && `${words.stopped} `}
        {isDryRun ? words.wouldBe(count(settled)) : words.redriven(count(settled))}
      </p>
      {faults.length > 0 && (
        <p class="muted">
          {words.faults(count(faults.length))}{" "}
          {faults
            .slice(0, MOST_FAULTS)
            .map(({ id }) => id)
            .join(", ")}
          {faults.length > MOST_FAULTS && "…"}
        </p>
      )}
    </div>
  );
};

export const RedriveDialog = ({ dead, scope, onDone, onClose }: RedriveDialogProps) => {
  const words = text();
  const rate = useSignal<number | undefined>(undefined);
  const progress = useSignal<Progress | undefined>(undefined);
  const outcome = useSignal<Outcome | undefined>(undefined);
  const controller = useRef(new AbortController());
  // Whoever leaves the dialog, or the page, stops it.
  useEffect(() => () => controller.current.abort(), []);
  const redrive = useAction(async (isDryRun: boolean) => {
    controller.current = new AbortController();
    const { signal } = controller.current;
    outcome.value = undefined;
    const onProgress = (done: number, chosen: number): void => {
      progress.value = { done, chosen };
    };
    try {
      const settlement = await dead.redrive({
        ...choiceOf(scope),
        dryRun: isDryRun,
        rate: rate.value,
        signal,
        onProgress,
      });
      outcome.value = { ...settlement, isDryRun, isStopped: signal.aborted };
    } finally {
      progress.value = undefined;
      if (!isDryRun) await onDone();
    }
  });
  const { value: at } = progress;
  const isDone = outcome.value?.isDryRun === false;
  return (
    <Dialog title={words.redriveTitle(scopeName(scope))} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void redrive.run(false);
        }}
      >
        <p>{words.redriveText}</p>
        <NumberField
          label={words.rate}
          hint={words.rateHint}
          min={1}
          max={1_000_000}
          value={rate.value}
          onInput={(value) => {
            rate.value = value;
          }}
        />
        {at !== undefined && (
          <div class="progress">
            <progress value={at.done} max={at.chosen} />
            <span>{words.progress(count(at.done), count(at.chosen))}</span>
          </div>
        )}
        {outcome.value !== undefined && <Outcomes outcome={outcome.value} />}
        <ErrorLine error={redrive.error} />
        <footer>
          {redrive.isRunning ? (
            <button type="button" onClick={() => controller.current.abort()}>
              {words.stop}
            </button>
          ) : (
            <>
              <button type="button" onClick={onClose}>
                {words.close}
              </button>
              {!isDone && (
                <>
                  <button type="button" onClick={() => void redrive.run(true)}>
                    {words.dryRun}
                  </button>
                  <button type="submit" class="primary">
                    {words.redriveDeed}
                  </button>
                </>
              )}
            </>
          )}
        </footer>
      </form>
    </Dialog>
  );
};
