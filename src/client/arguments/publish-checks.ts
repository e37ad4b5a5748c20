/**
 * Checks of what a message is published to, and how. Every method throws BAD_ARGUMENT for the first wrong argument.
 */
import { checkDuration, checkKey, checkName } from "./argument-checks.js";
import type { PublishOptions } from "./options.js";

export class PublishChecks {
  /** `maxNameBytes`: the broker's limit. */
  constructor(private readonly maxNameBytes: number) {}

  name(what: string, value: unknown): void {
    checkName(what, value, this.maxNameBytes);
  }

  /** As a name, but it may be empty or undefined, which both mean the default. */
  key(what: string, value: unknown): void {
    checkKey(what, value, this.maxNameBytes);
  }

  /** A topic, and options that have been read already. */
  publish(topic: unknown, { routeKey, delay, ttl, keyWindow }: Omit<PublishOptions, "key">): void {
    this.name("topic", topic);
    this.key("routeKey", routeKey);
    checkDuration("delay", delay);
    checkDuration("ttl", ttl);
    checkDuration("keyWindow", keyWindow);
  }
}
