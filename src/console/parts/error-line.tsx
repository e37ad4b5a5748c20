/**
 * What has failed, where it was asked for: the code, for programs and searches, and the text of whoever has refused.
 */
import { visible } from "./name.js";
import { text } from "./text.js";

const codeOf = (error: Error): string | undefined => {
  const { code } = error as { readonly code?: unknown };
  return typeof code === "string" ? code : undefined;
};

interface ErrorLineProps {
  readonly error: Error | undefined;
  /** The permission that all of the page needs: it is named to those who lack it. */
  readonly permission?: string;
}

export const ErrorLine = ({ error, permission }: ErrorLineProps) => {
  if (error === undefined) return null;
  const code = codeOf(error);
  return (
    <p class="error" role="alert">
      {code !== undefined && <code>{code}</code>} {visible(error.message)}
      {code === "FORBIDDEN" && permission !== undefined && <small>{text().needs(permission)}</small>}
    </p>
  );
};
