import { defineConfig } from "vitest/config";
import { SummaryReporter } from "../../packages/testing/src/summary-reporter.ts";

const MINUTE_MS = 60_000;

/** What is slow, or needs more than Node and local servers: many processes, containers, other servers, a browser. */
export default defineConfig({
  test: {
    include: ["test/system/**/*.test.ts", "packages/*/test/**/*.system.test.ts"],
    globalSetup: "packages/testing/src/servers/global-setup.ts",
    reporters: ["verbose", new SummaryReporter()],
    fileParallelism: false,
    // These only end what hangs: the first test builds the image.
    testTimeout: 6 * MINUTE_MS,
    hookTimeout: 5 * MINUTE_MS,
    // What these start has time limits of its own, such as a container's health check, which a machine that is busy with
    // other things may not meet. What failed at the first try is printed.
    retry: process.env["CI"] === undefined ? 0 : 1,
  },
});
