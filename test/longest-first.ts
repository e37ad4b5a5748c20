/**
 * The order of the files of a project: those that take longest come first, so that no worker is left alone with one at the
 * end. All others as Vitest orders them.
 */
import type { TestSpecification } from "vitest/node";
import { BaseSequencer } from "vitest/node";

/** Files that take half a minute or more, or mostly wait. */
const LONG = [
  "simulation/simulation",
  "simulation/planted",
  "journal/corruption",
  "e2e/torture",
  "e2e/sessions",
  "e2e/reply-topics",
  "e2e/gmq-readme",
  "conformance/gmq-frame-delivery",
  "e2e/http-hostile",
  "e2e/hostile/memory",
  "bench/smoke",
  "e2e/gmq-programs",
  "e2e/http-guard",
].map((name) => `/test/${name}.test.ts`);

const isLong = ({ moduleId }: TestSpecification): boolean => LONG.some((name) => moduleId.endsWith(name));

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const orders = [...new Set(sorted.map(({ project }) => project))];
    return orders.flatMap((project) => {
      const own = sorted.filter((file) => file.project === project);
      return [...own.filter(isLong), ...own.filter((file) => !isLong(file))];
    });
  }
}
