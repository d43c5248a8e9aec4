import { version } from "@dossier/service";
import { z } from "zod";
import { createDocument, type ZodOpenApiOperationObject } from "zod-openapi";
import type { Operation } from "../api/operation.ts";

export type OpenApi = ReturnType<typeof openApi>;

/**
 * Returns the OpenAPI 3.1 document of these operations, from the schemas that validate their requests. Throws if an
 * operation's answer has no id.
 */
export function openApi(operations: readonly Operation[], basePath: string) {
  const byPath = Map.groupBy(operations, ({ path }) => basePath + path);
  return createDocument({
    openapi: "3.1.1",
    info: {
      title: "Dossier",
      version,
      description:
        "Every person's KYC file, built from iComply's webhooks. All answers are JSON, except for files; all errors are problems (RFC 9457) with a `code` that never changes.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/", description: "The console that serves this document." }],
    security: [{ token: [] }],
    paths: Object.fromEntries(
      [...byPath].map(([path, own]) => [
        path,
        Object.fromEntries(own.map((operation) => [operation.method, describeOperation(operation)])),
      ]),
    ),
    components: {
      securitySchemes: {
        token: {
          type: "http",
          scheme: "bearer",
          description:
            "DOSSIER_API_TOKEN, or a token of `dossier token create`. A console without any token is read-only, and serves its own machine only.",
        },
      },
    },
  });
}

function describeOperation(operation: Operation): ZodOpenApiOperationObject {
  const { operationId, summary, description, role, input, stream, notFound, conflict, gone } = operation;
  const { answer, status = 200, accepted, hasEtag, fileTypes = ["application/json"] } = operation;
  if (z.globalRegistry.get(answer)?.id === undefined) throw new Error(`the answer of "${summary}" has no id`);
  const { body, ...requestParams } = input;
  return {
    operationId,
    summary,
    ...(description !== undefined && { description }),
    requestParams,
    ...(body && { requestBody: { content: { "application/json": { schema: body } } } }),
    responses: {
      [status]: {
        description: stream === undefined ? "Success." : `Success. ${stream}`,
        ...(hasEtag === true && { headers: { ETag: { schema: { type: "string" as const } } } }),
        content: {
          ...Object.fromEntries(fileTypes.map((type) => [type, { schema: answer }])),
          ...(stream !== undefined && { "text/event-stream": { schema: { type: "string" } } }),
        },
      },
      ...(accepted && {
        202: {
          description: "It goes on in the background; `Location` names what says how far it is.",
          content: { "application/json": { schema: accepted } },
        },
      }),
      ...(hasEtag === true && {
        304: { description: "`If-None-Match` names the answer's `ETag`: nothing has changed." },
      }),
      400: problemResponse("`invalid-request`: every error of the request is named at once."),
      401: problemResponse(
        "`unauthenticated`: the bearer token is missing, unknown, expired or revoked. The answer comes late.",
      ),
      403: problemResponse(
        `\`forbidden\`: the token does not have the role ${role} or a greater one. \`loopback-only\`: the console has no token, and the request does not come from its own machine.`,
      ),
      ...(notFound !== undefined && { 404: problemResponse(`\`not-found\`: ${notFound}`) }),
      ...(conflict !== undefined && { 409: problemResponse(conflict) }),
      ...(gone !== undefined && { 410: problemResponse(gone) }),
      ...(body && { 413: problemResponse("`too-large`: the body is too long.") }),
      ...(body && { 415: problemResponse("`unsupported-media-type`: the body is not said to be JSON.") }),
      500: problemResponse("`internal`: the service failed, and has logged why."),
      503: problemResponse("`unavailable`: Postgres is unavailable; `Retry-After` says when to try again."),
    },
  };
}

const problem = z
  .looseObject({
    title: z.string(),
    status: z.int(),
    code: z.string().describe("Identifies the problem; never changes."),
    detail: z.string().describe("What was wrong and what to do, for people."),
    errors: z
      .array(z.object({ in: z.string(), name: z.string(), message: z.string() }))
      .optional()
      .describe("Every error of the request, if `code` is `invalid-request`."),
  })
  .meta({ id: "Problem", description: "A problem as in RFC 9457." });

function problemResponse(description: string) {
  return { description, content: { "application/problem+json": { schema: problem } } };
}
