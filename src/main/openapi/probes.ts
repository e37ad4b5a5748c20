/** What tells of the broker itself: probes, metrics and this description; and where the native protocol is. */
import { ALWAYS, GUARDED, NOT_ALLOWED } from "./components.js";
import { answer, type Paths, text } from "./specification.js";

export const probePaths = (): Paths => ({
  "/healthz": {
    get: {
      operationId: "isLive",
      tags: ["probes"],
      summary: "Whether the process can answer",
      responses: { ...ALWAYS, ...NOT_ALLOWED, "200": { description: "It can", content: text({ const: "ok\n" }) } },
      security: [],
    },
  },
  "/readyz": {
    get: {
      operationId: "isReady",
      tags: ["probes"],
      summary: "Whether clients should come",
      responses: {
        ...ALWAYS,
        ...NOT_ALLOWED,
        "200": { description: "They should", content: text({ const: "ready\n" }) },
        "503": { description: "They should not, and why", content: text({ type: "string" }) },
      },
      security: [],
    },
  },
  "/metrics": {
    get: {
      operationId: "getMetrics",
      tags: ["probes"],
      summary: "Metrics for Prometheus",
      description: "Not here where the broker has an address of its own for them.",
      responses: {
        ...ALWAYS,
        ...NOT_ALLOWED,
        "401": GUARDED["401"],
        "200": { description: "In its text format", content: text({ type: "string" }) },
      },
      "x-permissions": ["operate"],
    },
  },
  "/openapi.json": {
    get: {
      operationId: "getOpenApi",
      tags: ["probes"],
      summary: "This description",
      responses: {
        ...GUARDED,
        ...NOT_ALLOWED,
        "200": answer("In OpenAPI 3.1", {
          type: "object",
          required: ["openapi", "info", "paths"],
          properties: { openapi: { const: "3.1.0" }, info: { type: "object" }, paths: { type: "object" } },
          additionalProperties: true,
        }),
      },
    },
  },
  "/mq": {
    get: {
      operationId: "openNativeProtocol",
      tags: ["native"],
      summary: "The native protocol over a WebSocket",
      description: "The token, where the broker has users, is in the first frame that the client sends.",
      responses: {
        "101": { description: "It is open" },
        ...GUARDED,
        "404": { description: "There was no upgrade", content: text({ const: "not found" }) },
      },
      security: [],
    },
  },
});
