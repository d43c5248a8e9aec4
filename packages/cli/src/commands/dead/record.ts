import type { DeliveryQueue } from "@dossier/queue";
import type { Result } from "@dossier/service";
import type { Pool } from "@dossier/store";
import { recordConfig } from "../../config.ts";

/** What every command on dead letters reads of the environment, for its help. */
export const ENVIRONMENT = `Environment: DATABASE_URL, as the services log in; REDIS_URL,
  as the services have them. Each also as NAME_FILE.`;

const NAME = "dossier-dead";

/** Does `work` with the record and the queue that the environment names, and closes them. */
export async function withRecord<T>(
  work: (pool: Pool, queue: DeliveryQueue) => Promise<Result<T>>,
): Promise<Result<T>> {
  const config = recordConfig();
  if (!config.ok) return config;
  const { DATABASE_URL, REDIS_URL } = config.value;
  // Here, not above: no other command waits for the servers' clients to load.
  const [{ openPool }, { openQueue }] = await Promise.all([
    import("@dossier/store"),
    import("@dossier/queue"),
  ]);
  const pool = openPool(DATABASE_URL, { name: NAME, size: 4 });
  const queue = openQueue(REDIS_URL === undefined ? { databaseUrl: DATABASE_URL } : { redisUrl: REDIS_URL }, {
    name: NAME,
    timeoutMs: 5_000,
    // Whoever calls the queue is told by the call.
    onError: () => undefined,
  });
  try {
    return await work(pool, queue);
  } finally {
    await Promise.all([pool.end(), queue.close()]);
  }
}
