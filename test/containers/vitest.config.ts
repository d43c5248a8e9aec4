import { defineConfig } from "vitest/config";
import { Closing } from "../../packages/testing/src/closing.ts";

const MINUTE_MS = 60_000;

export default defineConfig({
  test: {
    include: ["test/containers/*.test.ts"],
    reporters: ["verbose", new Closing()],
    // Only to end what hangs: the first test builds the image.
    testTimeout: 15 * MINUTE_MS,
    hookTimeout: 5 * MINUTE_MS,
    expect: { poll: { timeout: 2 * MINUTE_MS, interval: 250 } },
    // Each test goes on where the one before it ended.
    bail: 1,
  },
});
