import { DEAD_LETTER_REASONS } from "@dossier/events";
import { listDeliveries, type Pool } from "@dossier/store";
import { z } from "zod";
import { refuseText } from "../auth.ts";
import { count, page, utc } from "./answers.ts";
import { byDelivery } from "./deliveries.ts";
import { deliveryStatus, identity } from "./delivery-history.ts";
import { operation, type Operation } from "./operation.ts";
import { limit, nextCursor, text, time } from "./parameters.ts";

/** Selects deliveries, whatever became of them, by what a URL may say. */
export const deliveryFilter = z.object({
  status: deliveryStatus.optional(),
  event: text.optional().describe("The event's type, such as `NaturalPersonPending`."),
  entityId: text.optional().describe("The person's id at iComply."),
  secret: text.optional().describe("The fingerprint of the secret that verified it."),
  since: time.optional().describe("Received at this time or later."),
  before: time.optional().describe("Received before this time."),
});

/** The same as a body, with a text, which may be personal data. */
const deliverySearch = z.strictObject(
  {
    ...deliveryFilter.shape,
    text: text.optional().describe("The bytes contain exactly this text. Takes the role operator."),
    limit,
    cursor: byDelivery,
  },
  "must be a JSON object",
);

const deliveryPage = page(
  z
    .object({
      deliveryId: z.uuid(),
      status: deliveryStatus,
      reason: z
        .enum(DEAD_LETTER_REASONS)
        .nullable()
        .describe("Why it is a dead letter, or was discarded; else `null`."),
      ...identity.shape,
      bytes: count,
      receivedAt: utc,
      verifiedBy: z.string(),
      secretFingerprint: z.string(),
    })
    .describe("A delivery, whatever became of it.")
    .meta({ id: "DeliverySummary" }),
)
  .extend({ searched: count.describe("How many deliveries were searched for these: 5,000 at most.") })
  .meta({ id: "DeliveryPage" });

/** The search of all deliveries. */
export function deliverySearchOperation(pool: Pool): Operation {
  return operation({
    method: "post",
    path: "/deliveries/search",
    operationId: "searchDeliveries",
    summary: "Search deliveries",
    role: "viewer",
    description:
      "All deliveries, whatever became of them, the latest first. What one is about, only its bytes say: a page ends when it is full, when its deliveries have a MiB, or when 5,000 deliveries or 32 MiB were searched for it. It may be empty and have a next one. Changes nothing.",
    input: { body: deliverySearch },
    answer: deliveryPage,
    async handle({ body: { limit, cursor, secret, ...filter } }, c) {
      const refusal = refuseText(c.get("caller"), filter.text);
      if (refusal !== undefined) return refusal;
      const { deliveries, next, searched } = await listDeliveries(
        pool,
        { ...filter, secretFingerprint: secret },
        { limit, after: cursor?.deliveryId },
      );
      return { items: deliveries, nextCursor: nextCursor(next && { deliveryId: next }), searched };
    },
  });
}
