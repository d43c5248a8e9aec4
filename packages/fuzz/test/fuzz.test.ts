import { freshDatabase, freshRedis } from "@dossier/testing";
import { expect, test } from "vitest";
import { perform } from "../src/connection.ts";
import { stalledRequests } from "../src/framing.ts";
import { fuzz, MAX_GROWTH_BYTES } from "../src/fuzz.ts";
import { startSystem } from "../src/system.ts";

test(
  "random requests are answered and settled as expected, stalled ones time out, and memory stays flat",
  { timeout: 600_000 },
  async (context) => {
    const database = await freshDatabase();
    context.onTestFinished(() => database.drop());
    const system = await startSystem(database.url, await freshRedis(context));
    context.onTestFinished(() => system.stop());
    const stalled = Promise.all(stalledRequests.map((request) => perform(system.port, request)));
    const { tally, memory } = await fuzz(system, { cases: 2_000, seed: 20_261_122, warmUpCases: 1_000 });
    expect(tally.cases).toBe(2_000);
    expect(memory && memory.end - memory.warmedUp).toBeLessThan(MAX_GROWTH_BYTES);
    expect(await stalled).toEqual(stalledRequests.map(() => ({ status: 408 })));
  },
);
