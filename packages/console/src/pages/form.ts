import type { Context } from "hono";
import type { z } from "zod";
import { message } from "./message.ts";
import type { PageEnv } from "./page.ts";

type Form<Schema extends z.ZodType> =
  | { readonly ok: true; readonly value: z.output<Schema> }
  | { readonly ok: false; readonly refusal: Promise<Response> };

/** Returns what a form sent, without fields that are empty, or the page that says what is wrong with it. */
export async function readForm<Schema extends z.ZodType>(
  c: Context<PageEnv>,
  schema: Schema,
): Promise<Form<Schema>> {
  const fields = Object.entries(await c.req.parseBody()).filter(([, value]) => value !== "");
  const parsed = schema.safeParse(Object.fromEntries(fields));
  if (parsed.success) return { ok: true, value: parsed.data };
  const wrong = parsed.error.issues.map(({ path, message }) => `${path.join(".")} ${message}`).join("; ");
  return { ok: false, refusal: message(c, 400, "This form cannot be read", `${wrong}.`) };
}
