/** Why a file that somebody has named cannot be read, in words for who named it. */

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "there is no such file",
  EACCES: "this user may not read it",
  EPERM: "this user may not read it",
  EISDIR: "it is a directory",
};

export const whyUnreadable = (error: unknown): string => {
  const { code } = Object(error) as { readonly code?: unknown };
  return REASONS[String(code)] ?? (error instanceof Error ? error.message : String(error));
};
