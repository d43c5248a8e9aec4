// The worker of the smallest system: it inserts the events of all jobs in hand in one transaction, and does nothing else.
import { groupCommit } from "@dossier/service";
import { Worker } from "bullmq";
import pg from "pg";
import { LIMIT_QUEUE } from "../ingest/peers/group-commit-and-job.ts";
import { endPeer, type Places } from "../peers/peer.ts";
import { parse, TABLES } from "../peers/persons.ts";

export async function start(
  { databaseUrl, redisUrl }: Places,
  onSettled: (deliveries: number) => void,
): Promise<void> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 1 });
  await pool.query(TABLES);
  const commits = groupCommit(
    async (jobs: readonly (readonly string[])[]) => {
      const { rows } = await pool.query<{ body: Buffer }>({
        name: "select",
        text: "select body from inbox where id = any ($1::bigint[])",
        values: [jobs.flat()],
      });
      const payloads = rows.map(({ body }) => parse(body));
      await pool.query({
        name: "insert",
        text: `insert into events
          select * from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::json[]) on conflict do nothing`,
        values: [
          payloads.map(({ data }) => data.entityId),
          payloads.map(({ event }) => event),
          payloads.map(({ id }) => id),
          payloads.map(({ creationTimeUtc }) => creationTimeUtc),
          payloads.map(({ data }) => JSON.stringify(data)),
        ],
      });
      onSettled(rows.length);
      return jobs;
    },
    { weigh: (ids) => ids.length, maxFlush: 500, maxWaiting: Number.POSITIVE_INFINITY },
  );
  const handle = async ({ data }: { data: { ids: readonly string[] } }) =>
    void (await commits.submit(data.ids));
  const worker = new Worker(LIMIT_QUEUE, handle, {
    connection: { url: redisUrl },
    concurrency: 64,
    removeOnComplete: { count: 0 },
  });
  worker.on("failed", (_, error) => endPeer(error));
}
