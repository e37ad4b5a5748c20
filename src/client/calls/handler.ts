/**
 * What a program gives to reply to requests.
 */
import type { Headers } from "../../protocol/headers.js";
import type { Body } from "../arguments/options.js";
import type { ReceivedRequest } from "./received-request.js";

/** What a handler replies with: a body, or a body and headers. Nothing: an empty body. */
export type ReplyContent =
  | Body
  | { readonly body?: Body | undefined; readonly headers?: Headers | undefined }
  | undefined;

/**
 * Replies to a request, at once or later. What it throws, or rejects with, the requester gets as RESPONDER_FAILED, with the
 * error's name (up to 255 characters) and message (4,096), and no stack.
 */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler that returns nothing has the type void
export type RequestHandler = (request: ReceivedRequest) => ReplyContent | void | PromiseLike<ReplyContent | void>;
