import { problem } from "@dossier/service";
import type { Context } from "hono";
import type { z } from "zod";

/** What a request carries, by where it stands, for an operation's schema to judge. */
export async function given(c: Context, method: "get" | "post"): Promise<Record<string, unknown>> {
  return {
    path: c.req.param(),
    query: queryOf(c),
    header: c.req.header(),
    body: method === "post" ? await bodyOf(c) : {},
  };
}

/** An empty parameter is one that was left out, as a form sends it; one that is repeated comes as a list. */
function queryOf(c: Context): Record<string, unknown> {
  const all = Object.entries(c.req.queries());
  return Object.fromEntries(
    all
      .filter(([, values]) => values.some((value) => value !== ""))
      .map(([name, values]) => [name, values.length === 1 ? values[0] : values]),
  );
}

/** No body is as good as `{}`; what is no JSON is as bad as any other that is no object. */
async function bodyOf(c: Context): Promise<unknown> {
  const text = await c.req.text();
  try {
    return text === "" ? {} : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Answers 400 with every fault of the request at once. */
export function invalidRequest(error: z.ZodError): Response {
  const errors = error.issues.flatMap(faults);
  const detail = errors
    .map(({ name, in: place, message }) => `${name || `the ${place}`} ${message}`)
    .join("; ");
  return problem(400, "invalid-request", `${detail}.`, { members: { errors } });
}

interface Fault {
  readonly in: string;
  /** The parameter, or the path into the body; empty for the body itself. */
  readonly name: string;
  readonly message: string;
}

function faults(issue: z.core.$ZodIssue): Fault[] {
  const [place, ...path] = issue.path;
  const fault = (names: readonly PropertyKey[], message: string): Fault => ({
    in: String(place),
    name: names.join("."),
    message,
  });
  return issue.code === "unrecognized_keys"
    ? issue.keys.map((key) => fault([...path, key], "is not known here"))
    : [fault(path, issue.message)];
}
