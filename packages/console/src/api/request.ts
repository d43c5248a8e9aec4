import { problem } from "@dossier/service";
import type { Context } from "hono";
import type { z } from "zod";

export type RequestPart = "path" | "query" | "header" | "body";

/** Returns the parts of a request, for an operation's schemas to parse. */
export async function readRequest(c: Context, method: "get" | "post"): Promise<Record<RequestPart, unknown>> {
  return {
    path: c.req.param(),
    query: readQuery(c),
    header: c.req.header(),
    body: method === "post" ? await readBody(c) : {},
  };
}

/** Leaves out empty parameters, as forms send them. A repeated parameter becomes a list. */
export function readQuery(c: Context): Record<string, unknown> {
  const all = Object.entries(c.req.queries());
  return Object.fromEntries(
    all
      .filter(([, values]) => values.some((value) => value !== ""))
      .map(([name, values]) => [name, values.length === 1 ? values[0] : values]),
  );
}

/** Returns `{}` for an empty body, and `undefined` for one that is not JSON. */
async function readBody(c: Context): Promise<unknown> {
  const text = await c.req.text();
  try {
    return text === "" ? {} : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Returns the answer to a body that is not said to be JSON; `undefined` if there is none, or it is. */
export async function refuseMediaType(c: Context): Promise<Response | undefined> {
  const type = c.req.header("content-type") ?? "";
  if (/^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(type)) return undefined;
  if ((await c.req.text()) === "") return undefined;
  return problem(
    415,
    "unsupported-media-type",
    "The body must be JSON: send `Content-Type: application/json`.",
    {
      headers: { accept: "application/json" },
    },
  );
}

/** Answers 400 with every error of the request. */
export function invalidRequest(error: z.ZodError): Response {
  const errors = error.issues.flatMap(toErrors);
  const detail = errors
    .map(({ name, in: part, message }) => `${name || `the ${part}`} ${message}`)
    .join("; ");
  return problem(400, "invalid-request", `${detail}.`, { members: { errors } });
}

interface RequestError {
  readonly in: string;
  /** The parameter's name, or the path into the body; empty for the body itself. */
  readonly name: string;
  readonly message: string;
}

function toErrors(issue: z.core.$ZodIssue): RequestError[] {
  const [part, ...path] = issue.path;
  const toError = (names: readonly PropertyKey[], message: string): RequestError => ({
    in: String(part),
    name: names.join("."),
    message,
  });
  return issue.code === "unrecognized_keys"
    ? issue.keys.map((key) => toError([...path, key], "is not known"))
    : [toError(path, issue.message)];
}
