import { version } from "@dossier/service";
import {
  listSecrets,
  listTokens,
  readSchemaLevel,
  ROLES,
  SECRET_STATES,
  TOKEN_STATES,
  type Pool,
} from "@dossier/store";
import { z } from "zod";
import { utc } from "./answers.ts";
import { operation, type Operation } from "./operation.ts";

export type SystemAnswer = z.output<typeof system>;

const system = z
  .object({
    version: z.string().describe("Of the console that answers; `/instances` says those of all."),
    schema: z.object({
      migration: z.string().describe("The last migration that ran."),
      migratedAt: utc,
      missing: z
        .array(z.string())
        .describe("Migrations of this version that have not run: `dossier migrate` runs them."),
    }),
    secrets: z
      .array(
        z.object({
          fingerprint: z.string().describe("The start of the secret's SHA-256, as deliveries name it."),
          state: z
            .enum(SECRET_STATES)
            .describe(
              "`unused`: ingest accepts it, and no delivery used it yet. `in-use`: ingest accepts it. `safe-to-remove`: another one has verified deliveries for a day in which this one verified none. `removed`: no ingest that is alive accepts it.",
            ),
          firstUsedAt: utc.nullable(),
          lastUsedAt: utc.nullable(),
        }),
      )
      .describe("The webhook secrets that are accepted, or were ever used."),
  })
  .meta({ id: "System" });

const tokens = z
  .object({
    items: z.array(
      z.object({
        tokenId: z.int(),
        name: z.string(),
        role: z.enum(ROLES),
        isService: z.boolean().describe("Whether a program uses it, and no person."),
        state: z.enum(TOKEN_STATES),
        createdAt: utc,
        expiresAt: utc.nullable(),
        revokedAt: utc.nullable(),
        lastUsedAt: utc.nullable().describe("At most a minute before its last use."),
      }),
    ),
  })
  .meta({ id: "Tokens" });

/** Reads of what Dossier itself is: its version, its schema, its secrets by fingerprint, and who has a token. */
export function systemOperations(pool: Pool): readonly Operation[] {
  return [
    operation({
      method: "get",
      path: "/system",
      operationId: "getSystem",
      summary: "Read the version, the schema's level and the webhook secrets' use",
      role: "viewer",
      input: { query: z.strictObject({}) },
      answer: system,
      async handle() {
        const [schema, secrets] = await Promise.all([readSchemaLevel(pool), listSecrets(pool)]);
        return { version, schema, secrets };
      },
    }),
    operation({
      method: "get",
      path: "/tokens",
      operationId: "listTokens",
      summary: "List the tokens of persons and services",
      role: "admin",
      description: "All that were ever created, the oldest first. `dossier token` creates and revokes them.",
      input: { query: z.strictObject({}) },
      answer: tokens,
      handle: async () => ({ items: await listTokens(pool) }),
    }),
  ];
}
