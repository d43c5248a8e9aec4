import { freshDatabase, freshRedis } from "@dossier/testing";
import { expect, test } from "vitest";
import { perform } from "../src/connection.ts";
import { stalledRequests } from "../src/framing.ts";
import { fuzz } from "../src/fuzz.ts";
import { startSystem } from "../src/system.ts";

test(
  "random requests are answered and settled as expected, and stalled ones time out",
  { timeout: 600_000 },
  async (context) => {
    const database = await freshDatabase();
    context.onTestFinished(() => database.drop());
    const system = await startSystem(database.url, await freshRedis(context));
    context.onTestFinished(() => system.stop());
    const stalled = Promise.all(stalledRequests.map((request) => perform(system.port, request)));
    const { tally } = await fuzz(system, { cases: 400, seed: 20_261_122, warmUpCases: 200 });
    expect(tally.cases).toBe(400);
    expect(await stalled).toEqual(stalledRequests.map(() => ({ status: 408 })));
  },
);
