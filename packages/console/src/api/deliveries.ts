import { DEAD_LETTER_REASONS } from "@dossier/events";
import {
  FAILING_KINDS,
  findDelivery,
  listFailingDeliveries,
  listPersonDeliveries,
  type Pool,
} from "@dossier/store";
import { z } from "zod";
import { count, page, utc } from "./answers.ts";
import {
  attempts,
  deliveryHistory,
  deliveryStatus,
  formatHistory,
  identity,
  maskAttempts,
  personalHistory,
} from "./delivery-history.ts";
import { notFoundProblem, operation, type Operation, type Readable } from "./operation.ts";
import { cursor, deliveryPath, limit, nextCursor, ofPerson, personPath, time } from "./parameters.ts";

const receivedDelivery = z.object({ deliveryId: z.uuid(), receivedAt: utc, bytes: count });

const failingPage = page(
  receivedDelivery
    .extend({ ...identity.shape, ...attempts.shape })
    .describe("An open delivery that failed, stopped a worker or is snoozed.")
    .meta({ id: "FailingDelivery" }),
).meta({ id: "FailingDeliveryPage" });

export type FailingDeliveryPage = z.infer<typeof failingPage>;

export const openDeliveriesSearched = z
  .object({
    searched: count,
    all: z.boolean().describe("Whether that is all of them. If not, others may concern the person too."),
  })
  .describe(
    "How many open deliveries were searched for ones that concern the person: the newest 1,000, or fewer if they are large.",
  );

const personDeliveryPage = page(
  receivedDelivery
    .extend({
      status: deliveryStatus,
      event: identity.shape.event,
      id: identity.shape.id,
      creationTimeUtc: utc
        .nullable()
        .describe("The event's time in this delivery; `null` for a dead letter."),
      settledAt: utc.nullable().describe("`null` while it is open."),
      open: attempts.nullable().describe("What it came to so far; `null` once it is settled."),
      lastDeadLetter: z
        .object({ reason: z.enum(DEAD_LETTER_REASONS), message: z.string() })
        .nullable()
        .describe("Why it was dead-lettered the last time, whatever became of it; `null` if it never was."),
    })
    .describe("A delivery that concerns the person.")
    .meta({ id: "PersonDelivery" }),
)
  .extend({ openDeliveriesSearched })
  .meta({ id: "PersonDeliveryPage" });

export type PersonDeliveryPage = z.infer<typeof personDeliveryPage>;

export const byDelivery = cursor(z.strictObject({ deliveryId: z.uuid() }));

/** Selects failing deliveries. */
export const failingFilter = z.strictObject({
  kind: z
    .enum(FAILING_KINDS, `must be one of ${FAILING_KINDS.join(", ")}`)
    .optional()
    .describe("Why it is still open: an attempt failed, it is snoozed, or a worker stopped at it."),
  since: time.optional().describe("Received at this time or later."),
  before: time.optional().describe("Received before this time."),
});

const personDeliveryQuery = z.strictObject({
  status: deliveryStatus.optional().describe("Only deliveries with this status."),
  limit,
  cursor: byDelivery,
});

const OF_PERSON =
  "The latest first: those in the log, those with a dead letter that names the person, and open ones whose bytes do. Also of a person of whom the log has nothing. An open delivery that may have stopped a worker is not parsed, only searched for the person's id: it has no `event`. A `stalled` dead letter names no person.";

/** Reads of deliveries, whatever became of them. */
export function deliveryOperations(pool: Pool): readonly Operation[] {
  async function listOf(entityId: string, { status, limit, cursor }: z.output<typeof personDeliveryQuery>) {
    const page = { limit, after: cursor?.deliveryId };
    const { deliveries, next, ...searched } = await listPersonDeliveries(pool, entityId, status, page);
    return { items: deliveries, nextCursor: nextCursor(next && { deliveryId: next }), ...searched };
  }

  /** What errors say of a payload; a page on which there is none has no personal data. */
  function personalPage(answer: Readable<PersonDeliveryPage>, subject: string) {
    const mask = () => ({
      ...answer,
      items: answer.items.map((one) => ({ ...one, open: one.open && maskAttempts(one.open) })),
    });
    return answer.items.some(({ open }) => open?.lastError) ? { subject, mask } : undefined;
  }

  return [
    operation({
      method: "get",
      path: "/natural-persons/{entityId}/deliveries",
      operationId: "listNaturalPersonDeliveries",
      summary: "List a person's deliveries",
      role: "viewer",
      description: OF_PERSON,
      input: { path: personPath, query: personDeliveryQuery },
      answer: personDeliveryPage,
      handle: ({ path: { entityId }, query }) => listOf(entityId, query),
      personal: (answer, { path }) => personalPage(answer, path.entityId),
    }),
    operation({
      method: "get",
      path: "/deliveries",
      operationId: "listDeliveries",
      summary: "List the deliveries of the person that a parameter names",
      role: "viewer",
      description: `As \`/natural-persons/{entityId}/deliveries\`. ${OF_PERSON}`,
      input: { query: personDeliveryQuery.extend(ofPerson) },
      answer: personDeliveryPage,
      handle: ({ query: { entityId, ...query } }) => listOf(entityId, query),
      personal: (answer, { query }) => personalPage(answer, query.entityId),
    }),
    operation({
      method: "get",
      path: "/deliveries/{deliveryId}",
      operationId: "getDelivery",
      summary: "Read the history of a delivery",
      role: "viewer",
      description: "Whatever became of it: open, in the log, a dead letter or discarded.",
      notFound: "No delivery has this id.",
      input: { path: deliveryPath, query: z.strictObject({}) },
      answer: deliveryHistory,
      async handle({ path: { deliveryId } }) {
        const history = await findDelivery(pool, deliveryId);
        return history ? formatHistory(history) : notFoundProblem(`No delivery has the id ${deliveryId}.`);
      },
      personal: personalHistory,
    }),
    operation({
      method: "get",
      path: "/failing-deliveries",
      operationId: "listFailingDeliveries",
      summary: "List open deliveries that fail",
      role: "viewer",
      description:
        "Those with failed attempts, snoozed ones, and ones that stopped a worker: not dead letters yet. The oldest first. A page ends when its deliveries have a MiB.",
      input: { query: failingFilter.extend({ limit, cursor: byDelivery }) },
      answer: failingPage,
      async handle({ query: { limit, cursor, ...filter } }) {
        const page = { limit, after: cursor?.deliveryId };
        const { deliveries, next } = await listFailingDeliveries(pool, filter, page);
        return { items: deliveries, nextCursor: nextCursor(next && { deliveryId: next }) };
      },
      personal(answer) {
        const mask = () => ({ ...answer, items: answer.items.map(maskAttempts) });
        return answer.items.some(({ lastError }) => lastError) ? { mask } : undefined;
      },
    }),
  ];
}
