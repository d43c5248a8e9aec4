import { problem } from "@dossier/service";
import { Hono, type Context } from "hono";
import { z } from "zod";
import { given, invalidRequest } from "./request.ts";

/** Where a request may carry what an operation asks for. */
type Place = "path" | "query" | "header" | "body";
export type Input = Partial<Record<Place, z.ZodObject>>;

/** What every operation tells of itself, in the API's document too. */
interface Description {
  readonly method: "get" | "post";
  /** As OpenAPI writes it: `/natural-persons/{entityId}`. */
  readonly path: string;
  readonly summary: string;
  readonly description?: string;
  /** What 404 means here, where it can be. */
  readonly notFound?: string;
  /** What the stream holds, where `Accept: text/event-stream` asks for one. */
  readonly stream?: string;
}

/** One operation of the API: what it takes and gives, as a schema that checks and describes it, and its answer. */
export interface Operation extends Description {
  readonly input: Input;
  /** Has an `id`, under which it stands in the API's document. */
  readonly answer: z.ZodType;
  respond(c: Context): Promise<Response>;
}

/**
 * Declares an operation.
 *
 * @param handle given what the input's schemas made of the request; gives what the answer's schema describes, or a
 *   response of its own, such as a problem
 */
export function operation<I extends Input, A extends z.ZodType>(
  declared: Description & {
    readonly input: I;
    readonly answer: A;
    handle(input: z.output<z.ZodObject<I>>, c: Context): Promise<Readable<z.output<A>> | Response>;
  },
): Operation {
  const { handle, ...described } = declared;
  const schema = z.object(declared.input);
  return {
    ...described,
    async respond(c) {
      const input = schema.safeParse(await given(c, declared.method));
      if (!input.success) return invalidRequest(input.error);
      const answer = await handle(input.data, c);
      // Personal data, and only true for now.
      c.header("cache-control", "no-store");
      return answer instanceof Response ? answer : c.json(answer as object);
    },
  };
}

/** What may be read of a value, and not written. */
export type Readable<T> = T extends readonly (infer Item)[]
  ? readonly Readable<Item>[]
  : T extends object
    ? { readonly [Name in keyof T]: Readable<T[Name]> }
    : T;

/** Returns the routes of these operations. */
export function routes(operations: readonly Operation[]): Hono {
  const app = new Hono();
  // Hono takes the first path that matches: `/dead-letters/redrive` must come before `/dead-letters/{deliveryId}`.
  const byPath = [...Map.groupBy(operations, ({ path }) => path)].toSorted(
    ([a], [b]) => Number(a.includes("{")) - Number(b.includes("{")),
  );
  for (const [path, own] of byPath) {
    const route = path.replaceAll(/\{(\w+)\}/g, ":$1");
    const allow = own.map(({ method }) => (method === "get" ? "GET, HEAD" : "POST")).join(", ");
    for (const { method, respond } of own) app.on(method, route, respond);
    app.all(route, () =>
      problem(405, "method-not-allowed", `This path takes ${allow}.`, { headers: { allow } }),
    );
  }
  return app;
}
