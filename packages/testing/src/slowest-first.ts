import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Packages whose tests wait for much: for processes to start, and for time limits to pass. */
const SLOWEST = ["worker", "fuzz", "queue", "cli", "embedded"];

/** Starts with the slowest packages, so that no worker is left alone with them at the end. */
export class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => rank(a) - rank(b));
  }
}

function rank({ project }: TestSpecification): number {
  const index = SLOWEST.indexOf(project.name);
  return index === -1 ? SLOWEST.length : index;
}
