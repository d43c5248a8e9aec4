import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Packages whose tests start many processes or wait for time limits. */
const SLOWEST = ["worker", "fuzz", "queue", "cli", "embedded"];

/** Starts with the slowest packages: at the end, short files fill all workers. */
export class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => rank(a) - rank(b));
  }
}

function rank({ moduleId }: TestSpecification): number {
  const index = SLOWEST.findIndex((name) => moduleId.includes(`/packages/${name}/`));
  return index === -1 ? SLOWEST.length : index;
}
