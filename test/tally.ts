/**
 * The last line of a test run, for people and programs that read only that one: `tests: 120 passed, 0 failed`.
 */
import type { Reporter } from "vitest/node";

export const tally: Reporter = {
  onTestRunEnd(modules, unhandledErrors) {
    let passed = 0;
    let failed = unhandledErrors.length;
    let skipped = 0;
    for (const module of modules) {
      // A file that could not be loaded has no tests to count, and would otherwise pass unseen.
      failed += module.errors().length;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === "passed") passed++;
        else if (state === "failed") failed++;
        else skipped++;
      }
    }
    console.log(`tests: ${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  },
};
