/**
 * In place of what has not come yet: it shows itself when that takes long.
 */
import { text } from "./text.js";

/** `unless`: why nothing comes. */
export const Loading = ({ unless }: { readonly unless?: Error | undefined }) =>
  unless === undefined ? (
    <p class="loading muted" aria-live="polite">
      {text().loading}
    </p>
  ) : null;
