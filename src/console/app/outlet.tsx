/**
 * The page of the present address, loaded when it is first shown.
 */
import { useSignal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { PageComponent } from "../base/page.js";
import { hrefTo, node, route } from "../base/route.js";
import { client, link } from "../broker/link.js";
import { isOutdated, readSession, session } from "../broker/session.js";
import { Loading } from "../parts/loading.js";
import { findPage, NODES, type PageEntry } from "./pages.js";
import { text } from "./text.js";

/** One of them. */
interface Loaded {
  readonly Page?: PageComponent;
  readonly Alone?: ComponentType;
}

const loaded = new Map<PageEntry, Loaded>();

const load = async (page: PageEntry): Promise<Loaded> =>
  "load" in page ? { Page: await page.load() } : { Alone: await page.loadAlone() };

/** The banner has the way out where the server is away, or is another than that of this page. */
const CannotLoad = () => {
  const words = text();
  if (link.value.type === "lost" || link.value.type === "waiting") return <p class="empty">{words.loadLater}</p>;
  if (isOutdated.value) return <p class="empty">{words.loadNoMore}</p>;
  return (
    <div class="empty">
      <p>{words.cannotLoad}</p>
      <button type="button" onClick={() => location.reload()}>
        {words.loadAnew}
      </button>
    </div>
  );
};

const ChooseNode = () => (
  <p class="empty">
    <a href={hrefTo([NODES])}>{text().chooseNode}</a>
  </p>
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
  const lacksNode = session.value?.kind === "nodes" && node.value === undefined;
  const { path: given } = route.value;
  const path = lacksNode && given.length === 0 ? [NODES] : given;
  const found = findPage(path);
  const failed = useSignal<PageEntry | undefined>(undefined);
  const arrived = useSignal(0);
  const page = found?.page;
  const isConnected = link.value.type === "connected";
  useEffect(() => {
    if (page === undefined || loaded.has(page)) return;
    // Whoever comes back to it tries again, and so does a server that comes back.
    failed.value = undefined;
    load(page).then(
      (components) => {
        loaded.set(page, components);
        arrived.value += 1;
      },
      () => {
        failed.value = page;
        // It may be another version.
        void readSession().catch(() => {});
      },
    );
  }, [page, isConnected]);
  // Another page is read from its beginning; the focus is there if what had it is gone.
  const place = path.join("/");
  const before = useRef(place);
  useEffect(() => {
    const main = document.querySelector("main");
    if (before.current === place || main === null) return;
    before.current = place;
    main.scrollTop = 0;
    window.scrollTo(0, 0);
    if (document.activeElement === document.body) main.focus({ preventScroll: true });
  }, [place]);
  arrived.value;
  if (found === undefined) return <p class="empty">{text().notFound}</p>;
  if (failed.value === page) return <CannotLoad />;
  const { Page, Alone } = loaded.get(found.page) ?? {};
  if (Alone !== undefined) return <Alone />;
  if (lacksNode && "load" in found.page) return <ChooseNode />;
  const { value: connected } = client;
  if (Page === undefined || connected === undefined) return <Loading />;
  return <Page key={`${keyOf(connected)} ${place}`} client={connected} params={found.params} />;
};
