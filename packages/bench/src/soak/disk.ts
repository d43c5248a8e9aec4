import type { Pool } from "@dossier/store";
import type { Row } from "../result.ts";

const WAL = "object = 'wal'";
const VACUUM = "backend_type like 'autovacuum%'";
const CHECKPOINT = "backend_type = 'checkpointer'";
const BACKGROUND = "backend_type = 'background writer'";

/** What is summed of `pg_stat_io`, in bytes since the server's start. */
const SUMS = {
  "MB of WAL": ["write_bytes", `${WAL} and context = 'normal'`],
  // Written as zeros before the WAL is, until there are enough files to use again.
  "MB of new WAL files": ["write_bytes", `${WAL} and context = 'init'`],
  "MB written, checkpoints": ["write_bytes", `not ${WAL} and ${CHECKPOINT}`],
  "MB written, vacuum": ["write_bytes", `not ${WAL} and ${VACUUM}`],
  "MB written, background writer": ["write_bytes", `not ${WAL} and ${BACKGROUND}`],
  "MB written, others": ["write_bytes", `not ${WAL} and not (${CHECKPOINT} or ${VACUUM} or ${BACKGROUND})`],
  "MB read, vacuum": ["read_bytes", `not ${WAL} and ${VACUUM}`],
  "MB read, others": ["read_bytes", `not ${WAL} and not ${VACUUM}`],
} as const;

/** Returns a function that returns what Postgres has written to its files, and read from them, since it was last called. */
export async function watchDisk(pool: Pool): Promise<() => Promise<Row["figures"]>> {
  let before = await readCounters(pool);
  return async () => {
    const now = await readCounters(pool);
    const figures = Object.fromEntries(
      Object.entries(now).map(([name, megabytes]) => [name, [megabytes - (before[name] ?? 0)]]),
    );
    before = now;
    return figures;
  };
}

async function readCounters(pool: Pool): Promise<Readonly<Record<string, number>>> {
  const sums = Object.entries(SUMS).map(
    ([name, [bytes, where]]) =>
      `(coalesce(sum(${bytes}) filter (where ${where}), 0) / 1e6)::float8 as "${name}"`,
  );
  const { rows } = await pool.query<Record<string, number>>(`select ${sums.join(", ")} from pg_stat_io`);
  return rows[0] ?? {};
}
