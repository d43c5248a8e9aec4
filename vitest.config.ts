import { readdirSync } from "node:fs";
import { defineConfig } from "vitest/config";
import { Closing } from "./packages/testing/src/closing.ts";

const MINUTE_MS = 60_000;

export default defineConfig({
  test: {
    projects: readdirSync("packages").map((name) => ({
      extends: true,
      test: { name, include: [`packages/${name}/test/**/*.test.ts`] },
    })),
    globalSetup: "packages/testing/src/servers/global-setup.ts",
    reporters: ["default", new Closing()],
    // No test asks for a fast machine: these only end what hangs.
    testTimeout: MINUTE_MS,
    hookTimeout: MINUTE_MS,
    expect: { poll: { timeout: MINUTE_MS / 2 } },
    maxWorkers: 2,
    passWithNoTests: true,
  },
});
