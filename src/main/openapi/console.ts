/** The page of the console, and who is logged in there. Whatever else the page does it does over the native protocol. */
import { ALWAYS, GUARDED, NOT_ALLOWED, schema } from "./components.js";
import { answer, json, type Operation, object, type Paths, type Response, text } from "./specification.js";

const refused = (description: string): Response => answer(description, schema("CodedRefusal"));

const SESSION = answer(
  "Who is logged in",
  object({
    kind: { enum: ["broker", "nodes"], description: "What the console shows" },
    login: { type: "boolean", description: "A token has to be shown first" },
    user: { type: ["string", "null"], description: "Its name" },
    version: { type: "string" },
    unavailable: { type: ["string", "null"], description: "Why the broker is not there for clients yet, or any more" },
  }),
);

const COOKIE: Response["headers"] = {
  "Set-Cookie": { description: "The login, for what is below /console/ alone", schema: { type: "string" } },
};

const always = (operation: Omit<Operation, "tags" | "security">): Operation => ({
  ...operation,
  tags: ["console"],
  responses: { ...ALWAYS, ...NOT_ALLOWED, ...operation.responses },
  security: [],
});

export const consolePaths = (): Paths => ({
  "/console": {
    get: always({
      operationId: "findConsole",
      summary: "Leads to the page",
      responses: {
        "308": {
          description: "It is there",
          headers: { Location: { description: "Relative", schema: { const: "console/" } } },
        },
      },
    }),
  },
  "/console/": {
    get: always({
      operationId: "getConsole",
      summary: "The page",
      responses: {
        "200": { description: "The page", content: { "text/html": { schema: { type: "string" } } } },
        "304": { description: "It is what the browser has" },
        "404": { description: "This build has none", content: text({ type: "string" }) },
      },
    }),
  },
  "/console/session": {
    get: always({
      operationId: "getSession",
      summary: "Who is logged in, by the cookie of the console or a token",
      responses: { "200": SESSION, "401": GUARDED["401"] },
    }),
    post: always({
      operationId: "logIn",
      summary: "Logs in",
      requestBody: {
        required: true,
        description: "A token",
        content: json(object({ token: { type: "string", minLength: 1, maxLength: 1_024 } })),
      },
      responses: {
        "200": { ...SESSION, headers: COOKIE },
        "400": refused("The body is not what it may be"),
        "401": refused("The token is none of the broker's"),
        "413": refused("The body has more than 8 KiB"),
        "415": refused("The body is not JSON"),
      },
    }),
    delete: always({
      operationId: "logOut",
      summary: "Logs out",
      responses: { "204": { description: "Nobody is logged in", headers: COOKIE }, "401": GUARDED["401"] },
    }),
  },
  "/console/mq": {
    get: {
      operationId: "openConsole",
      tags: ["console"],
      summary: "The native protocol for the page of the console",
      description: "For pages of the broker's own origin; a program uses /mq. Who is logged in needs no token.",
      responses: {
        ...ALWAYS,
        "101": { description: "It is open" },
        "404": { description: "There was no upgrade", content: text({ const: "not found" }) },
      },
      security: [],
    },
  },
});
