import { problem } from "@dossier/service";
import type { Role } from "@dossier/store";
import { Hono, type Context } from "hono";
import { etag } from "hono/etag";
import { z } from "zod";
import { refuseRole, type ApiEnv } from "../auth.ts";
import type { PersonalData } from "./personal-data.ts";
import { invalidRequest, readRequest, refuseMediaType, type RequestPart } from "./request.ts";

/** Where the API's paths begin. */
export const API = "/api/v1";

export type Input = Partial<Record<RequestPart, z.ZodObject>>;

/** What the API's document says of an operation, beside its schemas. */
interface Description {
  readonly method: "get" | "post";
  /** As in OpenAPI: `/natural-persons/{entityId}`. */
  readonly path: string;
  /** The name of the function that a generated client has for it. */
  readonly operationId: string;
  readonly summary: string;
  /** The least role that a token needs. */
  readonly role: Role;
  readonly description?: string;
  /** What 404 means, if the operation can answer it. */
  readonly notFound?: string;
  /** What 409 means, if the operation can answer it. */
  readonly conflict?: string;
  /** What 410 means, if the operation can answer it. */
  readonly gone?: string;
  /** Whether the answer has an ETag, so that a client who sends it back is answered 304 while nothing has changed. */
  readonly hasEtag?: boolean;
  /** The media types of the answer, if it is a file, which `handle` answers itself. Default: JSON. */
  readonly fileTypes?: readonly string[];
  /** What the stream contains, if `Accept: text/event-stream` asks for one. */
  readonly stream?: string;
}

/** One operation of the API. Its schemas validate requests and describe them in the API's document. */
export interface Operation extends Description {
  readonly input: Input;
  /** Has an `id`: its name in the API's document. */
  readonly answer: z.ZodType;
  /** Of `answer`. Default 200. */
  readonly status?: 201 | 202;
  /** What the operation may answer with 202 instead, if it goes on in the background. */
  readonly accepted?: z.ZodType;
  respond(c: Context<ApiEnv>): Promise<Response>;
}

/**
 * Declares an operation.
 *
 * @param handle gets what the input's schemas parsed; returns what the answer's schema describes, or a response, such
 *   as a problem
 */
export function operation<I extends Input, A extends z.ZodType>(
  declared: Description & {
    readonly input: I;
    readonly answer: A;
    readonly status?: 201 | 202;
    readonly accepted?: z.ZodType;
    handle(input: z.output<z.ZodObject<I>>, c: Context<ApiEnv>): Promise<Readable<z.output<A>> | Response>;
    /** Says what of an answer is personal data, which is masked for most callers; `undefined` if nothing is. */
    personal?(
      answer: Readable<z.output<A>>,
      input: z.output<z.ZodObject<I>>,
    ): PersonalData<Readable<z.output<A>>> | undefined;
  },
): Operation {
  const { handle, personal, ...description } = declared;
  const schema = z.object(declared.input);
  return {
    ...description,
    async respond(c) {
      const refusal = refuseRole(c.get("caller"), declared.role) ?? (await refuseMediaType(c));
      if (refusal !== undefined) return refusal;
      const input = schema.safeParse(await readRequest(c, declared.method));
      if (!input.success) return invalidRequest(input.error);
      const answer = await handle(input.data, c);
      // Personal data, which the next event may change.
      c.header("cache-control", "no-store");
      if (answer instanceof Response) return answer;
      const data = personal?.(answer, input.data);
      const isShown = data === undefined || (await c.get("disclose")(declared.operationId, data.subject));
      return c.json((isShown ? answer : data.mask()) as object, declared.status);
    },
  };
}

/** Answers 202 with what the operation declares as `accepted`. */
export function accepted(c: Context<ApiEnv>, answer: unknown): Response {
  c.header("cache-control", "no-store");
  return c.json(answer as object, 202);
}

export function notFoundProblem(detail: string): Response {
  return problem(404, "not-found", detail);
}

/** `T`, read-only at every depth. */
export type Readable<T> = T extends readonly (infer Item)[]
  ? readonly Readable<Item>[]
  : T extends object
    ? { readonly [Name in keyof T]: Readable<T[Name]> }
    : T;

/** Returns the routes of these operations. Any other method of their paths is answered 405. */
export function routes(operations: readonly Operation[]): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  for (const { route, allow, own } of byRoute(operations)) {
    if (own.some(({ hasEtag }) => hasEtag)) app.use(route, etag());
    for (const { method, respond } of own) app.on(method, route, respond);
    app.all(route, () =>
      problem(405, "method-not-allowed", `This path allows ${allow}.`, { headers: { allow } }),
    );
  }
  return app;
}

/** Returns the routes that answer OPTIONS with the methods of each path. They need no token. */
export function optionsRoutes(operations: readonly Operation[]): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  for (const { route, allow } of byRoute(operations)) app.options(route, (c) => c.body(null, 204, { allow }));
  return app;
}

/** Hono takes the first path that matches: `/dead-letters/redrive` must come before `/dead-letters/{deliveryId}`. */
function byRoute(operations: readonly Operation[]) {
  return [...Map.groupBy(operations, ({ path }) => path)]
    .toSorted(([a], [b]) => Number(a.includes("{")) - Number(b.includes("{")))
    .map(([path, own]) => ({
      route: path.replaceAll(/\{(\w+)\}/g, ":$1"),
      allow: [...own.map(({ method }) => (method === "get" ? "GET, HEAD" : "POST")), "OPTIONS"].join(", "),
      own,
    }));
}
