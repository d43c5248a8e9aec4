import { findDeliveryIds, findRevealEnd, listPersonDeliveries, reveal, type Pool } from "@dossier/store";
import { z } from "zod";
import { utc } from "./answers.ts";
import { notFoundProblem, operation, type Operation } from "./operation.ts";
import { personPath } from "./parameters.ts";
import { reason } from "./selection.ts";

const revealed = z
  .object({ entityId: z.string(), revealedUntil: utc })
  .describe("Whose personal data is shown with this token, and until when.")
  .meta({ id: "Reveal" });

const NOBODY = "Neither the log nor any delivery names this person, and no delivery has this id.";

/** Break-glass by the API: it holds for the token that asks. */
export function revealOperation(pool: Pool): Operation {
  return operation({
    method: "post",
    path: "/natural-persons/{entityId}/reveal",
    operationId: "revealNaturalPerson",
    summary: "Show a person's personal data for 15 minutes",
    role: "operator",
    description:
      "Reads with this token answer the person unmasked for 15 minutes. The audit log has who asked, and the reason. For a delivery whose bytes do not say whom it concerns, give its `deliveryId`.",
    input: { path: personPath, body: z.strictObject({ reason }, "must be an object") },
    answer: revealed,
    notFound: NOBODY,
    async handle({ path: { entityId }, body: { reason } }, c) {
      const sessionId = c.get("bearer");
      if (sessionId === undefined) throw new Error("who has a role has a token");
      if (!(await isKnown(pool, entityId))) return notFoundProblem(NOBODY);
      await reveal(pool, { sessionId, subject: entityId, who: c.get("caller").name, reason });
      const revealedUntil = await findRevealEnd(pool, sessionId, entityId);
      if (revealedUntil === undefined) throw new Error("a reveal did not hold");
      return { entityId, revealedUntil };
    },
  });
}

async function isKnown(pool: Pool, id: string): Promise<boolean> {
  const [{ deliveries }, named] = await Promise.all([
    listPersonDeliveries(pool, id, undefined, { limit: 1 }),
    findDeliveryIds(pool, [id]),
  ]);
  return deliveries.length > 0 || named.has(id);
}
