/**
 * What has failed, where it was asked for: the code, for programs and searches, and the text of whoever has refused.
 */
import { visible } from "./name.js";

const codeOf = (error: Error): string | undefined => {
  const { code } = error as { readonly code?: unknown };
  return typeof code === "string" ? code : undefined;
};

export const ErrorLine = ({ error }: { readonly error: Error | undefined }) => {
  if (error === undefined) return null;
  const code = codeOf(error);
  return (
    <p class="error" role="alert">
      {code !== undefined && <code>{code}</code>} {visible(error.message)}
    </p>
  );
};
