import type { Connection } from "./pool.ts";

/**
 * Reads a query's rows in the order it gives them, `size` at a time, in memory that does not grow with their number.
 * While the caller works on some, Postgres finds the next. Runs in a transaction; all rows are of the moment at which
 * the first is asked for.
 *
 * @param name the cursor's, unlike those open on the same connection
 */
export async function* inBatches<R extends object>(
  connection: Connection,
  { name, text, values = [] }: { name: string; text: string; values?: unknown[] },
  size: number,
): AsyncGenerator<readonly R[]> {
  const fetchNext = () => connection.query<R>({ text: `fetch ${size} from ${name}`, ...WITHOUT_LIMIT });
  await connection.query({ text: `declare ${name} no scroll cursor for ${text}`, values, ...WITHOUT_LIMIT });
  let next = fetchNext();
  try {
    for (;;) {
      const { rows } = await next;
      if (rows.length === 0) break;
      next = fetchNext();
      // An error is thrown where `next` is awaited; until then it is nobody's.
      next.catch(() => undefined);
      yield rows;
    }
  } finally {
    await Promise.allSettled([next]);
  }
  await connection.query(`close ${name}`);
}

/** For one statement that walks over all there is: a day, in milliseconds, instead of the pool's `timeoutMs`. */
export const WITHOUT_LIMIT = { query_timeout: 86_400_000 };
