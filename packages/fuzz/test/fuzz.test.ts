import { freshDatabase, freshRedis } from "@dossier/testing";
import { expect, test } from "vitest";
import { neverEnding } from "../src/framing.ts";
import { fuzz } from "../src/fuzz.ts";
import { GROWTH_BYTES, liveBytes } from "../src/memory.ts";
import { send } from "../src/send.ts";
import { startSystem } from "../src/system.ts";

test(
  "every authentic input is accepted and settled, every other refused as it must be, one that never ends is cut off, and memory stays flat",
  { timeout: 600_000 },
  async (context) => {
    const database = await freshDatabase();
    context.onTestFinished(() => database.drop());
    const system = await startSystem(database.url, await freshRedis(context));
    context.onTestFinished(() => system.stop());
    const endless = Promise.all(neverEnding.map((request) => send(system.port, request)));
    let warm: number | undefined;
    const { cases } = await fuzz(system, {
      cases: 2_000,
      seed: 20_261_122,
      onProgress(done) {
        if (done >= 1_000) warm ??= liveBytes();
      },
    });
    expect(cases).toBe(2_000);
    expect(liveBytes() - (warm ?? 0)).toBeLessThan(GROWTH_BYTES);
    expect(await endless).toEqual(neverEnding.map(() => ({ status: 408 })));
  },
);
