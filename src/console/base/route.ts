/**
 * Where the reader is, as the hash of the address tells: `#/topics/orders/dead?node=1`.
 */
import { computed, signal } from "@preact/signals";

export interface Route {
  /** The parts of the path, decoded. */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

/** The query's name of the node that is shown, where there are several. */
export const NODE = "node";

const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
};

export const parseHash = (hash: string): Route => {
  const [path = "", ...query] = hash.replace(/^#\/?/, "").split("?");
  return {
    path: path
      .split("/")
      .filter((part) => part !== "")
      .map(decoded),
    query: new URLSearchParams(query.join("?")),
  };
};

export const route = signal<Route>(parseHash(location.hash));
addEventListener("hashchange", () => {
  route.value = parseHash(location.hash);
});

/** The id of the node that is shown; undefined: there is one, or none is chosen. */
export const node = computed<string | undefined>(() => route.value.query.get(NODE) ?? undefined);

/** The address of a place, on the same node: `hrefTo(["topics", name, "dead"])`. */
export const hrefTo = (path: readonly string[], query: Readonly<Record<string, string>> = {}): string => {
  const all = new URLSearchParams(node.value === undefined ? query : { [NODE]: node.value, ...query });
  return `#/${path.map(encodeURIComponent).join("/")}${all.size > 0 ? `?${all}` : ""}`;
};

/** Goes to an address that `hrefTo` has made. */
export const goTo = (href: string): void => {
  location.hash = href;
};
