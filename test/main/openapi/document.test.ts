import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, it } from "vitest";
import { allPaths, openApiDocument } from "../../../src/main/openapi/document.js";
import type { Operation } from "../../../src/main/openapi/specification.js";
import { ERRORS } from "../../../src/protocol/errors.js";
import { Op } from "../../../src/protocol/op.js";

const BOUNDS = { maxMessageBytes: 1 << 24, shards: 3 };

const operations: Operation[] = Object.values(allPaths(BOUNDS)).flatMap((item) =>
  Object.values(item).filter((each): each is Operation => typeof each === "object"),
);

const text = JSON.stringify(openApiDocument(BOUNDS, () => true));

it("is a document of OpenAPI 3.1", async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(JSON.parse(text));
  expect({ valid, errors }).toEqual({ valid: true, errors: undefined });
  expect(validator.version).toBe("3.1");
});

it("names what it refers to, and refers to all that it names", () => {
  const document = JSON.parse(text) as { readonly components: Record<string, Record<string, unknown>> };
  const named = ["schemas", "responses"].flatMap((kind) =>
    Object.keys(document.components[kind] ?? {}).map((name) => `#/components/${kind}/${name}`),
  );
  const referred = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference]) => reference);
  expect([...new Set(referred)].sort()).toEqual(named.sort());
});

it("calls each operation by a name of its own, as programs do that are made of it", () => {
  const names = operations.map(({ operationId }) => operationId);
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^[a-z][A-Za-z]+$/);
});

it("leaves out what a broker does without", () => {
  const { paths } = openApiDocument(BOUNDS, (path) => path !== "/metrics") as { readonly paths: object };
  expect(Object.keys(allPaths(BOUNDS)).filter((path) => !Object.hasOwn(paths, path))).toEqual(["/metrics"]);
});

it("knows the codes of which it speaks", () => {
  const codes = [...text.matchAll(/\b[A-Z]+_[A-Z_]+\b/g)].map(([code]) => code);
  const known = [ERRORS, Op].flatMap(Object.keys);
  const others = [...known, "BAD_ARGUMENT", "BAD_QUERY", "BAD_BODY", "BAD_CONTENT_TYPE"];
  expect(codes.filter((code) => !others.includes(code))).toEqual([]);
});
