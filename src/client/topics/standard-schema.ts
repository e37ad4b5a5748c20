/**
 * Schemas of any library that follows Standard Schema: zod, valibot, arktype, …
 *
 * The interface is https://standardschema.dev, version 1. Types and one property are all there is to it.
 */
import { localError, RingmqError } from "../base/error.js";

/** What an issue of a validation tells. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** A schema: what it takes, and what it makes of that. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

export type InputOf<S extends StandardSchema> = NonNullable<S["~standard"]["types"]>["input"];
export type OutputOf<S extends StandardSchema> = NonNullable<S["~standard"]["types"]>["output"];

/** Issues that an error's text shows, and characters of each. */
const SHOWN_ISSUES = 3;
const SHOWN_TEXT = 200;

const pathOf = ({ path = [] }: SchemaIssue): string =>
  path.map((part) => String(typeof part === "object" ? part.key : part)).join(".");

const textOf = (issue: SchemaIssue): string => {
  const path = pathOf(issue);
  return `${path === "" ? "" : `${path}: `}${issue.message}`.slice(0, SHOWN_TEXT);
};

const invalid = (what: string, issues: readonly SchemaIssue[]): RingmqError => {
  const more = issues.length > SHOWN_ISSUES ? `, and ${issues.length - SHOWN_ISSUES} more` : "";
  const text = issues.slice(0, SHOWN_ISSUES).map(textOf).join("; ");
  return localError("INVALID_MESSAGE", `${what} is not what its schema takes: ${text}${more}`, issues);
};

const accepted = <T>(what: string, result: SchemaResult<T>): T => {
  if (result.issues !== undefined) throw invalid(what, result.issues);
  return result.value;
};

/**
 * What the schema makes of a value, a promise of it where the schema takes its time. Throws, or rejects with,
 * INVALID_MESSAGE, whose `cause` is the list of issues, or what was thrown where the schema did, or what it said makes no sense.
 */
export const validated = <T>(what: string, schema: StandardSchema<unknown, T>, value: unknown): T | Promise<T> => {
  const failed = (thrown: unknown): never => {
    if (thrown instanceof RingmqError) throw thrown;
    throw localError("INVALID_MESSAGE", `the schema failed on ${what}`, thrown);
  };
  try {
    const result = schema["~standard"].validate(value);
    return result instanceof Promise
      ? result.then((settled) => accepted(what, settled)).catch(failed)
      : accepted(what, result);
  } catch (error) {
    return failed(error);
  }
};
