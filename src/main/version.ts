/** The version of the package. */
import { readFileSync } from "node:fs";

const readVersion = (): string => {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const { version } = JSON.parse(text) as { readonly version: string };
  return version;
};

export const VERSION = readVersion();
