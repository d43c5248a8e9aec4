import { recordDeliveries, writeReport } from "@dossier/store";
import { delivery, eventBody } from "@dossier/store/fixtures";
import { expect, test } from "vitest";
import { dossier } from "./command.ts";
import { startConsoleAlone } from "./services.ts";

test("secrets lists each webhook secret by its fingerprint, with its first and last use", async () => {
  const { env, pool } = await startConsoleAlone();
  expect((await dossier(["secrets"], env)).stdout).toContain("no ingest is alive");

  await writeReport(pool, {
    ...{ instanceId: crypto.randomUUID(), service: "ingest", version: "1", host: "h", pid: 1 },
    ...{ stopped: false, pausedBecause: null, jobs: 0, rate: 0, minutes: [] },
    secretFingerprints: ["0123456789abcdef", "fedcba9876543210"],
  });
  await recordDeliveries(pool, [delivery(eventBody("a"), { secretFingerprint: "0123456789abcdef" })]);

  const { code, stdout } = await dossier(["secrets"], env);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^FINGERPRINT +STATE +FIRST USE +LAST USE$/m);
  expect(stdout).toMatch(/^0123456789abcdef +in use +(\d{4}-\S+Z) +\1$/m);
  expect(stdout).toMatch(/^fedcba9876543210 +accepted; not used yet +never +never$/m);
  expect(JSON.parse((await dossier(["secrets", "--json"], env)).stdout)).toHaveLength(2);
});
