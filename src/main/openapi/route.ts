/** `/openapi.json`. */
import type { HttpEntrance, HttpHandler } from "../ports/http/entrance.js";
import { JSON_TYPE } from "../ports/http/exchange.js";
import type { Bounds } from "./specification.js";

/** Adds the path. The description is made when it is asked for first. */
export const installOpenApi = (entrance: HttpEntrance, bounds: Bounds): void => {
  let description: Promise<string> | undefined;
  const describe = async (): Promise<string> => {
    const { openApiDocument } = await import("./document.js");
    const paths = new Set([...entrance.webSockets, ...entrance.paths.map(({ path }) => path)]);
    return JSON.stringify(openApiDocument(bounds, (path) => paths.has(path)));
  };
  const handle: HttpHandler = async (exchange) => {
    description ??= describe();
    exchange.reply(undefined, JSON_TYPE, await description);
  };
  entrance.add("/openapi.json", handle, { methods: ["get"] });
};
