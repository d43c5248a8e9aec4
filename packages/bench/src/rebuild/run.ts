import { join } from "node:path";
import { openScope } from "@dossier/testing";
import { startLog } from "../log.ts";
import { sideOf } from "../operation.ts";
import type { DataOptions } from "../options.ts";
import { formatNumber, type Table } from "../result.ts";
import { takeTurns, type Side } from "../rounds.ts";
import { copyLog } from "./copies.ts";

const OPERATIONS: Readonly<Record<string, readonly [who: string, what: string]>> = {
  "rebuild --dry-run": ["Dossier", "fold"],
  "COPY out, fold": ["a bare script with COPY", "fold"],
  rebuild: ["Dossier", "fold and write"],
  "COPY out, fold, COPY in": ["a bare script with COPY", "fold and write"],
};

/** Measures a rebuild of all persons, without and with the switch to the new projection, beside a bare script. */
export async function run({ data, size, sizes }: DataOptions): Promise<readonly Table[]> {
  await using scope = openScope();
  const postgres = await startLog(scope, data, size("events"));
  const script = join(import.meta.dirname, "operations.ts");
  const sides: Side[] = [];
  for (const copies of sizes("copies")) {
    const databaseUrl = await copyLog(postgres.url, copies);
    for (const [operation, [who, what]] of Object.entries(OPERATIONS)) {
      const keys = [who, what, formatNumber(copies * size("events"))];
      sides.push(sideOf(keys, operation, script, postgres, databaseUrl));
    }
  }
  const rows = await takeTurns(sides, size("rounds"));
  return [
    {
      title: "All persons of a log, folded",
      keys: ["rebuild", "what", "webhooks in the log"],
      rows,
      bars: ["entries/s"],
      compare: ["entries/s"],
    },
  ];
}
