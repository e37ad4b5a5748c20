import { onTestFinished } from "vitest";

/** Rejections that nobody handles while the test goes on. */
export const unhandledRejections = (): unknown[] => {
  const seen: unknown[] = [];
  const listen = (reason: unknown): void => void seen.push(reason);
  process.on("unhandledRejection", listen);
  onTestFinished(() => void process.off("unhandledRejection", listen));
  return seen;
};
