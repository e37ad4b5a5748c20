/**
 * How the broker does: its numbers, the last minutes of them, and its shards.
 */
import { useSignal } from "@preact/signals";
import type { PageProps } from "../../base/page.js";
import { useSamples } from "../../broker/samples.js";
import { ErrorLine } from "../../parts/error-line.js";
import { Loading } from "../../parts/loading.js";
import { PageHead } from "../../parts/page-head.js";
import { Charts } from "./charts.js";
import { Shards } from "./shards.js";
import { text } from "./text.js";
import { Tiles } from "./tiles.js";

/** Minutes that may be shown. */
const SPANS = [1, 5] as const;

export const Page = ({ client }: PageProps) => {
  const words = text();
  const { samples, error } = useSamples(client);
  const minutes = useSignal<number>(5);
  return (
    <>
      <PageHead title={words.title}>
        <fieldset class="choice" aria-label={words.span}>
          {SPANS.map((each) => (
            <button
              key={each}
              type="button"
              aria-pressed={each === minutes.value}
              onClick={() => {
                minutes.value = each;
              }}
            >
              {words.minutes(each)}
            </button>
          ))}
        </fieldset>
      </PageHead>
      <ErrorLine error={error} permission="operate" />
      {samples.length === 0 ? (
        <Loading unless={error} />
      ) : (
        <>
          <Tiles samples={samples} />
          <Charts samples={samples} span={minutes.value * 60} />
          <h2>{words.shards}</h2>
          <Shards samples={samples} />
        </>
      )}
    </>
  );
};
