/** The form of a push while it comes in parts: bytes of the request, then of its field `data`, then of JSON. */
import { WORD_BYTES } from "../../../../protocol/entry.js";
import { GatheredBody } from "../../../native/gathered-body.js";
import { type Job, JobReader } from "../job.js";
import type { FormReader } from "./form-reader.js";
import { MultipartReader } from "./multipart-reader.js";
import { UrlEncodedReader } from "./url-encoded-reader.js";
import { Utf8Repair } from "./utf8-repair.js";

const URL_ENCODED = "application/x-www-form-urlencoded";
const MULTIPART = "multipart/form-data";

/** The content type of a form; undefined for a type that is none. */
export type FormType = { readonly kind: "url-encoded" } | { readonly kind: "multipart"; readonly type: string };

const URL_ENCODED_TYPE: FormType = { kind: "url-encoded" };

export const formType = (type: string): FormType | undefined => {
  if (type.startsWith(URL_ENCODED)) return URL_ENCODED_TYPE;
  const lower = type.trimStart().toLowerCase();
  if (lower.startsWith(URL_ENCODED)) return URL_ENCODED_TYPE;
  return lower.startsWith(MULTIPART) ? { kind: "multipart", type } : undefined;
};

export class PushForm {
  readonly #job: JobReader;
  readonly #repair: Utf8Repair;
  readonly #urlEncoded: UrlEncodedReader;
  #form: FormReader;
  #size = 0;

  /**
   * @param limit the largest body of a message, in bytes
   * @param scratch where a small body is gathered: the caller's
   */
  constructor(limit: number, scratch?: Uint8Array) {
    this.#job = new JobReader(new GatheredBody(limit, WORD_BYTES, scratch));
    // Between the form and the JSON, so that it sees each byte of the field once.
    this.#repair = new Utf8Repair({ write: (bytes, start, end) => this.#take(bytes, start, end) });
    this.#urlEncoded = new UrlEncodedReader(this.#repair);
    this.#form = this.#urlEncoded;
  }

  /** Begins a new form. */
  begin(type: FormType): void {
    this.#size = 0;
    this.#job.reset();
    this.#repair.reset();
    this.#urlEncoded.reset();
    this.#form = type.kind === "multipart" ? new MultipartReader(this.#repair, type.type) : this.#urlEncoded;
  }

  write(bytes: Uint8Array): void {
    this.#form.write(bytes);
  }

  /** No more comes. The job, or what is wrong with it; undefined: there is no data. */
  end(): Job | string | undefined {
    const isFound = this.#form.end();
    this.#repair.end();
    return isFound && this.#size > 0 ? this.#job.end() : undefined;
  }

  /** The body of the message, behind room for the word of an entry. */
  get body(): GatheredBody {
    return this.#job.body;
  }

  #take(bytes: Uint8Array, start: number, end: number): void {
    this.#size += end - start;
    this.#job.write(bytes, start, end);
  }
}
