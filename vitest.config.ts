import { availableParallelism } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { SlowestFirst } from "./packages/testing/src/slowest-first.ts";
import { SummaryReporter } from "./packages/testing/src/summary-reporter.ts";

const MINUTE_MS = 60_000;

export default defineConfig({
  test: {
    // One project: with one for each package, Vitest would load the shared modules once for each.
    include: ["packages/*/test/**/*.test.ts"],
    exclude: ["**/*.system.test.ts"],
    globalSetup: "packages/testing/src/servers/global-setup.ts",
    reporters: ["default", new SummaryReporter()],
    sequence: { sequencer: SlowestFirst },
    // No test depends on the machine's speed: these only end what hangs.
    testTimeout: 5 * MINUTE_MS,
    hookTimeout: 5 * MINUTE_MS,
    // More than there are processors, as many tests wait. Each has a logical database of Redis, of which there are 15.
    maxWorkers: Math.min(3 * availableParallelism(), 8),
    // Loading the modules anew for each file would take a tenth of the processor time. So a test leaves no module changed,
    // and a hook that stands in a module of helpers would be called for the first file alone.
    isolate: false,
    // For the processes that tests start.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, "node_modules/.cache/node") },
    passWithNoTests: true,
  },
});
