/**
 * The page of the present address, loaded when it is first shown.
 */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { PageComponent } from "../base/page.js";
import { route } from "../base/route.js";
import { client } from "../broker/link.js";
import { Loading } from "../parts/loading.js";
import { findPage, type PageEntry } from "./pages.js";
import { text } from "./text.js";

const loaded = new Map<PageEntry, PageComponent>();

const CannotLoad = () => (
  <div class="empty">
    <p>{text().cannotLoad}</p>
    <button type="button" onClick={() => location.reload()}>
      {text().loadAnew}
    </button>
  </div>
);

/** Counts clients: a page is drawn anew with another one. */
const keys = new WeakMap<object, number>();
let lastKey = 0;

const keyOf = (of: object): number => {
  const key = keys.get(of) ?? ++lastKey;
  keys.set(of, key);
  return key;
};

export const Outlet = () => {
  const { path } = route.value;
  const found = findPage(path);
  const failed = useSignal<PageEntry | undefined>(undefined);
  const arrived = useSignal(0);
  const page = found?.page;
  useEffect(() => {
    if (page === undefined || loaded.has(page)) return;
    page.load().then(
      (component) => {
        loaded.set(page, component);
        arrived.value += 1;
      },
      () => {
        failed.value = page;
      },
    );
  }, [page]);
  arrived.value;
  if (found === undefined) return <p class="empty">{text().notFound}</p>;
  if (failed.value === page) return <CannotLoad />;
  const Page = loaded.get(found.page);
  const { value: connected } = client;
  if (Page === undefined || connected === undefined) return <Loading />;
  return <Page key={`${keyOf(connected)} ${path.join("/")}`} client={connected} params={found.params} />;
};
