/**
 * Names and other short texts that somebody else has chosen: shown as they are, with what would hide or turn text made visible.
 */
import { escapeControls } from "../../main/data/control-characters.js";

/** For titles and the like, where there is only text. */
export const visible = (text: string): string => escapeControls(text, "");

/** For texts of several lines, which stay such. */
export const visibleLines = (text: string): string => escapeControls(text, "\n\t");

/** `href`: where its page is. */
export const Name = ({ value, href }: { readonly value: string; readonly href?: string }) => {
  const text = visible(value);
  return href === undefined ? (
    <bdi class="name" title={text}>
      {text}
    </bdi>
  ) : (
    <a class="name" href={href} title={text}>
      <bdi>{text}</bdi>
    </a>
  );
};
