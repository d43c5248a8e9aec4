import { startProgress } from "@dossier/cli/terminal/progress";
import type { LocalServer } from "@dossier/embedded";
import { poison } from "@dossier/simulator";
import { sealRecords } from "@dossier/store";
import type { Scope } from "@dossier/testing";
import { fillLog, recordAndSettle } from "../log.ts";
import { startSeeded } from "../servers.ts";

/** Beside the dead letters there is a log of so many webhooks, for what reads both. */
const LOG = 10_000;

/** Starts a Postgres with so many dead letters, made by the product's own write path. */
export async function startDeadLetters(scope: Scope, data: string, total: number): Promise<LocalServer> {
  const postgres = await startSeeded({
    data,
    name: `dead-letters-${total}`,
    async seed(pool) {
      await fillLog(pool, LOG);
      const { rows } = await pool.query<{ count: number }>("select count(*)::int as count from dead_letters");
      const count = total - (rows[0]?.count ?? 0);
      using progress = startProgress("dead letters", count);
      const bodies = Iterator.from(poison({ count, seed: 2 })).map(({ body }) => body);
      await recordAndSettle(pool, bodies, (recorded) => progress.advance(recorded));
      while ((await sealRecords(pool)) > 0);
      await pool.query("vacuum (freeze, analyze)");
    },
  });
  scope.onTestFinished(() => postgres.stop());
  return postgres;
}
