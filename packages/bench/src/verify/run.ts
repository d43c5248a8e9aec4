import { join } from "node:path";
import { openScope } from "@dossier/testing";
import { startLog } from "../log.ts";
import { sideOf } from "../operation.ts";
import type { DataOptions } from "../options.ts";
import { formatNumber, type Table } from "../result.ts";
import { takeTurns } from "../rounds.ts";

/** Measures a verification of all evidence beside a bare script that reads, hashes and folds the same bytes. */
export async function run({ data, size }: DataOptions): Promise<readonly Table[]> {
  await using scope = openScope();
  const postgres = await startLog(scope, data, size("events"));
  const script = join(import.meta.dirname, "operations.ts");
  const sides = [
    sideOf(["Dossier"], "verify", script, postgres),
    sideOf(["a bare script with COPY"], "COPY out, hash, fold", script, postgres),
  ];
  const rows = await takeTurns(sides, size("rounds"));
  return [
    {
      title: `A log of ${formatNumber(size("events"))} webhooks, verified`,
      keys: ["verify"],
      rows,
      bars: ["entries/s"],
      compare: ["entries/s"],
    },
  ];
}
