import { defineConfig } from "vitest/config";

const MINUTE_MS = 60_000;

/** Takes the pictures in docs/screenshots. They are looked at, not tested. */
export default defineConfig({
  test: {
    include: ["test/system/screenshots/take.ts"],
    globalSetup: "packages/testing/src/servers/global-setup.ts",
    reporters: ["verbose"],
    testTimeout: 15 * MINUTE_MS,
    hookTimeout: 5 * MINUTE_MS,
  },
});
