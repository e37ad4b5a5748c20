/**
 * Which dead letters something is done with.
 */
import type { StoredMessage } from "ringmq/client";
import { count } from "../../parts/format.js";
import { groupKey } from "./scan.js";
import { text } from "./text.js";

export type Scope =
  | { readonly kind: "all" }
  /** Those that are alike, also those that the page has not looked through. */
  | { readonly kind: "group"; readonly key: string }
  | { readonly kind: "ids"; readonly ids: readonly string[] };

type Choice =
  | { readonly all: true }
  | { readonly filter: (letter: StoredMessage) => boolean }
  | { readonly ids: readonly string[] };

/** As the client takes it. */
export const choiceOf = (scope: Scope): Choice => {
  switch (scope.kind) {
    case "all":
      return { all: true };
    case "group":
      return { filter: (letter) => groupKey(letter) === scope.key };
    case "ids":
      return { ids: scope.ids };
  }
};

/** What titles call it. */
export const scopeName = (scope: Scope): string => {
  const words = text();
  if (scope.kind === "all") return words.all;
  if (scope.kind === "group") return words.group;
  return scope.ids.length === 1 ? words.one : words.some(count(scope.ids.length));
};
