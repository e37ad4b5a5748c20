/**
 * The page of the present address, loaded when it is first shown.
 */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { NodesPageComponent, PageComponent } from "../base/page.js";
import { hrefTo, node, route } from "../base/route.js";
import { client } from "../broker/link.js";
import { session } from "../broker/session.js";
import { Loading } from "../parts/loading.js";
import { type BrokerPageEntry, findPage, type NodesPageEntry, type PageEntry } from "./pages.js";
import { text } from "./text.js";

const brokerPages = new Map<BrokerPageEntry, PageComponent>();
const nodesPages = new Map<NodesPageEntry, NodesPageComponent>();

const isLoaded = (page: PageEntry): boolean => (page.isOfNodes === true ? nodesPages.has(page) : brokerPages.has(page));

const load = async (page: PageEntry): Promise<void> => {
  if (page.isOfNodes === true) nodesPages.set(page, await page.load());
  else brokerPages.set(page, await page.load());
};

const CannotLoad = () => (
  <div class="empty">
    <p>{text().cannotLoad}</p>
    <button type="button" onClick={() => location.reload()}>
      {text().loadAnew}
    </button>
  </div>
);

const ChooseNode = () => (
  <p class="empty">
    <a href={hrefTo(["nodes"])}>{text().chooseNode}</a>
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
  const { path } = route.value;
  const found = findPage(path);
  const failed = useSignal<PageEntry | undefined>(undefined);
  const arrived = useSignal(0);
  const page = found?.page;
  useEffect(() => {
    if (page === undefined || isLoaded(page)) return;
    load(page).then(
      () => {
        arrived.value += 1;
      },
      () => {
        failed.value = page;
      },
    );
  }, [page]);
  arrived.value;
  if (found === undefined || page === undefined) return <p class="empty">{text().notFound}</p>;
  if (failed.value === page) return <CannotLoad />;
  if (page.isOfNodes === true) {
    const NodesPage = nodesPages.get(page);
    return NodesPage === undefined ? <Loading /> : <NodesPage />;
  }
  if (session.value?.kind === "nodes" && node.value === undefined) return <ChooseNode />;
  const Page = brokerPages.get(page);
  const { value: connected } = client;
  if (Page === undefined || connected === undefined) return <Loading />;
  return <Page key={`${keyOf(connected)} ${path.join("/")}`} client={connected} params={found.params} />;
};
