/**
 * The way to any message: by its id, from anywhere.
 */
import { useSignal } from "@preact/signals";
import { goTo, hrefTo, node } from "../base/route.js";
import { session } from "../broker/session.js";
import { text } from "./text.js";

export const FindMessage = () => {
  const typed = useSignal("");
  // Ids are those of a broker.
  if (session.value?.kind === "nodes" && node.value === undefined) return null;
  return (
    <search class="find-message">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const id = typed.value.trim();
          if (id === "") return;
          typed.value = "";
          goTo(hrefTo(["find"], { id }));
        }}
      >
        <input
          type="search"
          inputMode="numeric"
          value={typed.value}
          placeholder={text().findMessage}
          aria-label={text().findMessage}
          spellcheck={false}
          onInput={(event) => {
            typed.value = event.currentTarget.value;
          }}
        />
      </form>
    </search>
  );
};
