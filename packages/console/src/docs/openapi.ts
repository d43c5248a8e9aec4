import { version } from "@dossier/service";
import { components, type Operation } from "../api/operation.ts";
import {
  bodySchema,
  componentSchemas,
  parametersOf,
  problemResponses,
  ref,
  type Parameter,
  type Schema,
} from "./schemas.ts";

export interface OpenApi {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly security: readonly object[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationObject>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly securitySchemes: object;
  };
}

export interface OperationObject {
  readonly summary: string;
  readonly description?: string;
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content: Content }>>;
}

type Content = Readonly<Record<string, { readonly schema: Schema }>>;

/** The OpenAPI 3.1 document of these operations, made of the schemas that validate their requests. */
export function openApi(operations: readonly Operation[], basePath: string): OpenApi {
  const byPath = Map.groupBy(operations, ({ path }) => basePath + path);
  return {
    openapi: "3.1.1",
    info: {
      title: "Dossier",
      version,
      description:
        "Every person's KYC file, compiled from iComply's webhooks. Every answer is JSON, every error a problem (RFC 9457) whose `code` never changes.",
    },
    security: [{ token: [] }],
    paths: Object.fromEntries(
      [...byPath].map(([path, own]) => [
        path,
        Object.fromEntries(own.map((one) => [one.method, described(one)])),
      ]),
    ),
    components: {
      schemas: componentSchemas(),
      securitySchemes: {
        token: {
          type: "http",
          scheme: "bearer",
          description: "DOSSIER_API_TOKEN. A console that has none serves its own machine alone.",
        },
      },
    },
  };
}

function described(operation: Operation): OperationObject {
  const { summary, description, input, answer, stream } = operation;
  const component = components.get(answer)?.id;
  if (component === undefined) throw new Error(`the answer of "${summary}" is none of the components`);
  return {
    summary,
    ...(description !== undefined && { description }),
    parameters: parametersOf(input),
    ...(input.body && {
      requestBody: { content: { "application/json": { schema: bodySchema(input.body) } } },
    }),
    responses: {
      200: {
        description: stream === undefined ? "What was asked for." : `What was asked for. ${stream}`,
        content: {
          "application/json": { schema: { $ref: ref(component) } },
          ...(stream !== undefined && { "text/event-stream": { schema: { type: "string" } } }),
        },
      },
      ...problemResponses(operation),
    },
  };
}
