const SOURCES = ["docker", "local"] as const;

/** The settings of a test run, from its environment. */
export const config = {
  /** A Postgres to use instead of starting one. Its user must be superuser; the run creates databases of its own. */
  databaseUrl: process.env.TEST_DATABASE_URL || undefined,
  /** A Redis to use instead of starting one. Its logical databases 1 to 8 are emptied. */
  redisUrl: process.env.TEST_REDIS_URL || undefined,
  /** Where servers are started, in this order of preference. Default: in containers, else on this machine. */
  sources: parseSources(process.env.TEST_SERVERS || undefined),
  /** Vitest's number of this test process: it begins with 1, and no other process has it at the same time. */
  worker: Number(process.env.VITEST_POOL_ID ?? 1),
  /** Tests that cannot run fail instead of being skipped. */
  ci: process.env.CI === "true",
  /** What processes that tests start get of it. */
  processEnv: {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
  },
};

/** Has this process, and all that it starts, keep temporary files in a folder, unless TMPDIR names another. */
export function setTemporaryFolder(folder: string): void {
  process.env.TMPDIR ??= folder;
}

function parseSources(name: string | undefined): readonly (typeof SOURCES)[number][] {
  if (name === undefined) return SOURCES;
  const chosen = SOURCES.filter((source) => source === name);
  if (chosen.length === 0)
    throw new Error(`TEST_SERVERS is "${name}": it must be docker or local, or be left out`);
  return chosen;
}
