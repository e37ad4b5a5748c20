/** `/healthz`, `/readyz` and `/metrics` on an HTTP port. */
import type { HttpEntrance, HttpHandler } from "../ports/http/entrance.js";
import type { Health } from "./health.js";
import type { Samples } from "./samples.js";
import type { Scrape } from "./scrape.js";

const TEXT = "text/plain; charset=utf-8";
const UNAVAILABLE = "503 Service Unavailable";

/** `/healthz` answers as long as the main thread runs, `/readyz` tells whether clients should come. */
export const installHealth = (entrance: HttpEntrance, health: Pick<Health, "hindrance">): void => {
  const live: HttpHandler = (exchange) => exchange.reply(undefined, TEXT, "ok\n");
  const ready: HttpHandler = (exchange) => {
    const { hindrance } = health;
    exchange.reply(hindrance && UNAVAILABLE, TEXT, `${hindrance ?? "ready"}\n`);
  };
  const readyHead: HttpHandler = (exchange) => exchange.sendNothing(health.hindrance && UNAVAILABLE);
  entrance.add("/healthz", live, { isOpen: true, isAlways: true, methods: ["get"] });
  entrance.add("/readyz", ready, { isOpen: true, isAlways: true, head: readyHead, methods: ["get"] });
};

/** `/metrics` for Prometheus; `read` is called once for each scrape. */
export const installMetrics = (entrance: HttpEntrance, read: () => Samples): void => {
  let scrape: Promise<Scrape> | undefined;
  const load = async (): Promise<Scrape> => {
    const { Scrape } = await import("./scrape.js");
    return new Scrape(read);
  };
  const answer: HttpHandler = async (exchange) => {
    scrape ??= load();
    const loaded = await scrape;
    exchange.replyBytes(undefined, loaded.contentType, await loaded.bytes());
  };
  entrance.add("/metrics", answer, { operates: true, isAlways: true, methods: ["get"] });
};
