/**
 * The body of a message: as JSON where it is some, as text, or byte by byte. Of a large one the beginning is shown; all of it can be
 * downloaded.
 */
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import "./body-view.css";
import { bytes as size } from "./format.js";
import { hexText } from "./hex-text.js";
import { indentedJson } from "./json-text.js";
import { visibleLines } from "./name.js";
import { text } from "./text.js";

type View = "json" | "text" | "hex";

/** Bytes that are shown of a body. As JSON more: half of it would be none. */
const MOST: Readonly<Record<View, number>> = { json: 262_144, text: 65_536, hex: 16_384 };

const viewOf = (bytes: Uint8Array): { readonly json: string | undefined; readonly isText: boolean } => {
  const start = bytes.subarray(0, MOST.text);
  try {
    // What was cut within a character is text all the same.
    new TextDecoder("utf-8", { fatal: true }).decode(start, { stream: start.length < bytes.length });
  } catch {
    return { json: undefined, isText: false };
  }
  if (bytes.length > MOST.json) return { json: undefined, isText: true };
  return { json: indentedJson(new TextDecoder().decode(bytes)), isText: true };
};

const save = (bytes: Uint8Array, name: string): void => {
  const url = URL.createObjectURL(new Blob([new Uint8Array(bytes)]));
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 1_000);
};

interface BodyViewProps {
  readonly bytes: Uint8Array;
  /** What it is called when it is downloaded. */
  readonly fileName: string;
}

export const BodyView = ({ bytes, fileName }: BodyViewProps) => {
  const { json, isText } = useMemo(() => viewOf(bytes), [bytes]);
  const chosen = useSignal<View | undefined>(undefined);
  const best: View = json === undefined ? (isText ? "text" : "hex") : "json";
  const view = chosen.value === "json" && json === undefined ? best : (chosen.value ?? best);
  const shown = useMemo(() => {
    const start = bytes.subarray(0, MOST[view]);
    if (view === "hex") return hexText(start);
    return visibleLines(view === "json" && json !== undefined ? json : new TextDecoder().decode(start));
  }, [bytes, view, json]);
  const views: readonly View[] = json === undefined ? ["text", "hex"] : ["json", "text", "hex"];
  return (
    <div class="body">
      <div class="tools">
        <fieldset class="choice">
          {views.map((each) => (
            <button
              key={each}
              type="button"
              aria-pressed={each === view}
              onClick={() => {
                chosen.value = each;
              }}
            >
              {text()[each]}
            </button>
          ))}
        </fieldset>
        <span class="muted">
          {bytes.length > MOST[view] ? text().showsFirst(size(MOST[view]), size(bytes.length)) : size(bytes.length)}
        </span>
        <span class="space" />
        <button type="button" class="quiet" onClick={() => save(bytes, fileName)}>
          {text().download}
        </button>
      </div>
      {bytes.length === 0 && <p class="muted">{text().empty}</p>}
      {bytes.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard.
        <pre tabIndex={0}>{shown}</pre>
      )}
    </div>
  );
};
