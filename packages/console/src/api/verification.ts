import { findLastVerification, verifyPerson, type Pool } from "@dossier/store";
import { z } from "zod";
import { count, utc } from "./answers.ts";
import { notFoundProblem, operation, type Operation } from "./operation.ts";
import { personPath } from "./parameters.ts";

const verification = z
  .object({
    at: utc,
    who: z.string().describe("The name of the token."),
    entries: count.describe("Entries of the person's chain that were checked."),
    wrong: count.describe("Rows that were found wrong; 0 if nothing is."),
    failed: z.string().describe("The checks that failed, with the first row of each; empty if none did."),
  })
  .meta({ id: "Verification" });

const NEVER = "The person's evidence was never verified by the console.";

/** Verification of one person's chain, projection and deliveries, and what the last one found. */
export function verificationOperations(pool: Pool): readonly Operation[] {
  return [
    operation({
      method: "get",
      path: "/natural-persons/{entityId}/verification",
      operationId: "getVerification",
      summary: "Read what the last verification of a person found",
      role: "viewer",
      notFound: NEVER,
      input: { path: personPath, query: z.strictObject({}) },
      answer: verification,
      handle: async ({ path: { entityId } }) =>
        (await findLastVerification(pool, entityId)) ?? notFoundProblem(NEVER),
    }),
    operation({
      method: "post",
      path: "/natural-persons/{entityId}/verification",
      operationId: "verifyNaturalPerson",
      summary: "Verify a person's evidence now",
      role: "operator",
      description:
        "Checks the person's chain, state and deliveries against each other. The audit log has who did it and what was found.",
      input: { path: personPath, body: z.strictObject({}, "must be a JSON object") },
      answer: verification,
      async handle({ path: { entityId } }, c) {
        await verifyPerson(pool, entityId, c.get("caller").name);
        const found = await findLastVerification(pool, entityId);
        if (found === undefined) throw new Error("a verification was not recorded");
        return found;
      },
    }),
  ];
}
