import { join } from "node:path";
import { openScope } from "@dossier/testing";
import { startLog } from "../log.ts";
import { sideOf } from "../operation.ts";
import type { DataOptions } from "../options.ts";
import type { Table } from "../result.ts";
import { takeTurns } from "../rounds.ts";

const OPERATIONS = {
  "rebuild --dry-run": ["Dossier", "fold"],
  "COPY out, fold": ["a bare script with COPY", "fold"],
  rebuild: ["Dossier", "fold and write"],
  "COPY out, fold, COPY in": ["a bare script with COPY", "fold and write"],
};

/** Measures a rebuild of all persons, without and with the switch to the new projection, beside a bare script. */
export async function run({ data, size }: DataOptions): Promise<readonly Table[]> {
  await using scope = openScope();
  const postgres = await startLog(scope, data, size("events"));
  const script = join(import.meta.dirname, "operations.ts");
  const sides = Object.entries(OPERATIONS).map(([operation, keys]) =>
    sideOf(keys, operation, script, postgres),
  );
  const rows = await takeTurns(sides, size("rounds"));
  return [
    {
      title: `A log of ${size("events")} webhooks, folded`,
      keys: ["rebuild", "what"],
      rows,
      plot: "entries/s",
      compare: "entries/s",
    },
  ];
}
