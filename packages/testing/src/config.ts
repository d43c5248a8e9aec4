const SOURCES = ["docker", "local"] as const;

/** Settings of a test run, from its environment. */
export const config = {
  /** A Postgres to use instead of starting one. Its user must be superuser; the run makes databases of its own. */
  databaseUrl: process.env.TEST_DATABASE_URL || undefined,
  /** A Redis to use instead of starting one. Its logical databases 1 to 8 are emptied. */
  redisUrl: process.env.TEST_REDIS_URL || undefined,
  /** Where started servers come from. Default: Docker, else this machine; one named here is the only one tried. */
  sources: sources(process.env.TEST_SERVERS || undefined),
  /** Vitest's number of this test process: from 1, and no other running at the same time has it. */
  worker: Number(process.env.VITEST_POOL_ID ?? 1),
  /** What cannot run fails instead of being skipped. */
  ci: process.env.CI === "true",
};

function sources(named: string | undefined): readonly (typeof SOURCES)[number][] {
  if (named === undefined) return SOURCES;
  const chosen = SOURCES.filter((source) => source === named);
  if (chosen.length === 0)
    throw new Error(`TEST_SERVERS is "${named}": it must be docker or local, or be left out`);
  return chosen;
}
