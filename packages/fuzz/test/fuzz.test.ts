import { freshDatabase, freshRedis } from "@dossier/testing";
import { expect, test } from "vitest";
import { fuzz } from "../src/fuzz.ts";
import { liveBytes } from "../src/memory.ts";
import { startSystem } from "../src/system.ts";

const MIB = 2 ** 20;

test(
  "every authentic input is accepted and settled, every other refused as it must be, and memory stays flat",
  { timeout: 600_000 },
  async (context) => {
    const database = await freshDatabase();
    context.onTestFinished(() => database.drop());
    const system = await startSystem(database.url, await freshRedis(context));
    context.onTestFinished(() => system.stop());
    let warm: number | undefined;
    const { cases } = await fuzz(system, {
      cases: 2_000,
      seed: 20_261_122,
      onProgress(done) {
        if (done >= 1_000) warm ??= liveBytes();
      },
    });
    expect(cases).toBe(2_000);
    // What lives differs by what is under way when it is counted; kept bodies would be hundreds of MiB.
    expect(liveBytes() - (warm ?? 0)).toBeLessThan(128 * MIB);
  },
);
