import { z } from "zod";
import { components, type Input, type Operation } from "../api/operation.ts";

export type Schema = z.core.JSONSchema.BaseSchema;

export interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required: boolean;
  readonly description?: string;
  readonly schema: Schema;
}

export const ref = (component: string) => `#/components/schemas/${component}`;

/** What answers are made of, by name. */
export function componentSchemas(): Record<string, Schema> {
  const { schemas } = z.toJSONSchema(components, { uri: ref });
  return Object.fromEntries(
    Object.entries({ ...schemas, Problem: z.toJSONSchema(problem) }).map(([name, schema]) => [
      name,
      bare(schema),
    ]),
  );
}

/** What a body must be, before a schema has made anything of it. */
export function bodySchema(body: z.ZodObject): Schema {
  return bare(z.toJSONSchema(body, { io: "input" }));
}

/** The parameters of an operation: all that it takes but the body. */
export function parametersOf({ path, query, header }: Input): Parameter[] {
  return Object.entries({ path, query, header }).flatMap(([place, taken]) =>
    Object.entries(taken?.shape ?? {}).map(([name, one]) => parameter(place, name, one as z.ZodType)),
  );
}

function parameter(place: string, name: string, taken: z.ZodType): Parameter {
  const { description, ...schema } = bare(z.toJSONSchema(taken, { io: "input" }));
  const required = !taken.safeParse(undefined).success;
  return { name, in: place, required, ...(description !== undefined && { description }), schema };
}

/** Without what only a document of its own has. */
function bare({ $schema: _, $id: __, ...schema }: Schema): Schema {
  return schema;
}

const problem = z
  .looseObject({
    title: z.string(),
    status: z.int(),
    code: z.string().describe("Says which problem it is; never changes."),
    detail: z.string().describe("For a person: what was wrong and what to do."),
    errors: z
      .array(z.object({ in: z.string(), name: z.string(), message: z.string() }))
      .optional()
      .describe("With `invalid-request`: every fault of the request."),
  })
  .describe("RFC 9457.");

/** The problems that an operation may answer instead, as OpenAPI has responses. */
export function problemResponses({ input, notFound }: Pick<Operation, "input" | "notFound">) {
  const meanings: Record<number, string> = {
    400: "`invalid-request`: every bad parameter is named at once.",
    401: "`unauthenticated`: the bearer token is missing or wrong.",
    403: "`loopback-only`: there is no token, and the request is not from this machine and to it.",
    ...(notFound !== undefined && { 404: `\`not-found\`: ${notFound}` }),
    ...(input.body && { 413: "`too-large`: the body is longer than any that means something." }),
    500: "`internal`: a fault of the service, which has logged it.",
    503: "`unavailable`: Postgres is away; `Retry-After` says when to ask again.",
  };
  return Object.fromEntries(
    Object.entries(meanings).map(([status, description]) => [
      status,
      { description, content: { "application/problem+json": { schema: { $ref: ref("Problem") } } } },
    ]),
  );
}
