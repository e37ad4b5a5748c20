import { onTestFinished } from "vitest";

/** The rejections that nobody handles during the test. */
export const unhandledRejections = (): unknown[] => {
  const seen: unknown[] = [];
  const listen = (reason: unknown): void => void seen.push(reason);
  process.on("unhandledRejection", listen);
  onTestFinished(() => void process.off("unhandledRejection", listen));
  return seen;
};
