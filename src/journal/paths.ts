/**
 * The paths of a journal's files, without node:path: a journal may lie on a disk in memory, in a browser too. All systems
 * take slashes.
 */

/** The path of something in a directory. */
export const join = (directory: string, ...names: readonly string[]): string =>
  directory === "" ? names.join("/") : [directory.replace(/\/+$/, ""), ...names].join("/");

/** The directory that so many levels of names are in. */
export const above = (path: string, levels: number): string => path.split(/[/\\]/).slice(0, -levels).join("/");
