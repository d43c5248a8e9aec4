import type { DeliveryQueue } from "@dossier/queue";
import { z } from "zod";
import { utc } from "./answers.ts";
import { operation, type Operation } from "./operation.ts";
import { limit } from "./parameters.ts";
import { queueJobs } from "./stats.ts";

const failedJob = z.object({
  deliveryIds: z.array(z.uuid()),
  reason: z.string().describe("Why its delivery was dead-lettered."),
  failedAt: utc.nullable(),
});

const queueAnswer = z
  .object({
    ...queueJobs.shape,
    failed: z
      .array(failedJob)
      .nullable()
      .describe("Those that failed last; `null` if the queue does not answer."),
  })
  .meta({ id: "Queue" });

/** The queue's jobs, as far as they say more than the record. They hold ids, and no personal data. */
export function queueOperation(queue: DeliveryQueue): Operation {
  return operation({
    method: "get",
    path: "/queue",
    operationId: "getQueue",
    summary: "Count the queue's jobs, and list those that failed last",
    role: "viewer",
    description:
      "A job holds delivery ids alone. What was recorded of a delivery, and what became of it, Postgres says: `/deliveries/{deliveryId}`.",
    input: { query: z.strictObject({ limit: limit.describe("How many failed jobs are listed at most.") }) },
    answer: queueAnswer,
    async handle({ query: { limit } }) {
      const { backend } = queue;
      const read = await Promise.all([queue.counts(), queue.failedJobs(limit)]).catch(() => undefined);
      if (read === undefined) return { backend, jobs: null, failed: null };
      const [jobs, failed] = read;
      const toAnswer = ({ failedAt, ...job }: (typeof failed)[number]) => ({
        ...job,
        failedAt: failedAt === undefined ? null : failedAt.replace("Z", "0000Z"),
      });
      return { backend, jobs, failed: failed.map(toAnswer) };
    },
  });
}
