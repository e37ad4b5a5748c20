/**
 * The search of a list. `/` goes there from anywhere on the page; Esc empties it.
 */
import { useEffect, useRef } from "preact/hooks";
import { text } from "./text.js";

interface SearchFieldProps {
  readonly value: string;
  readonly onInput: (value: string) => void;
  /** The id of what is searched. */
  readonly controls: string;
}

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && target.matches("input, textarea, select, dialog *");

export const SearchField = ({ value, onInput, controls }: SearchFieldProps) => {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      event.preventDefault();
      field.current?.focus();
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, []);
  return (
    <input
      ref={field}
      type="search"
      class="search"
      value={value}
      placeholder={`${text().search}  /`}
      aria-label={text().search}
      aria-controls={controls}
      spellcheck={false}
      onInput={(event) => onInput(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        onInput("");
        event.currentTarget.blur();
      }}
    />
  );
};
