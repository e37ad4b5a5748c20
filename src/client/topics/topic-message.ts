/**
 * A message of a typed topic.
 */
import type { Message } from "../consume/message.js";

/** A message, and the value that its body stands for: what the schema has made of it. */
export type TopicMessage<T> = Message & { readonly value: T };
