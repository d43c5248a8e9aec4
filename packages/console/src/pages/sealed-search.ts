/** Searches for a term that is personal data: the form's body has it, and the URL of the list has it sealed. */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import type { Context } from "hono";
import { z } from "zod";
import { text } from "../api/parameters.ts";
import { readForm } from "./form.ts";
import { message } from "./message.ts";
import type { PageEnv } from "./page.ts";

/** Longer terms would not fit into a URL. */
export const MAX_TERM_LENGTH = 300;

/** What the URL of a list has of a search. */
export const sealedSearch = { search: text.optional() };

/**
 * Returns the handler that leads from the form above a list to the list, with a URL that says all of it.
 *
 * @param term the field that holds the term
 * @param fields the other fields, which are checked when the list is read
 */
export function leadToList(path: string, term: string, fields: readonly string[]) {
  const form = z.object({
    ...Object.fromEntries(fields.map((name) => [name, z.string().optional()])),
    [term]: text.max(MAX_TERM_LENGTH, `must have at most ${MAX_TERM_LENGTH} characters`).optional(),
  });
  return async (c: Context<PageEnv>): Promise<Response> => {
    const read = await readForm(c, form);
    if (!read.ok) return read.refusal;
    const { [term]: sought, ...filter } = read.value;
    const query = new URLSearchParams(filter as Record<string, string>);
    if (sought !== undefined) query.set("search", sealTerm(sought, c.get("sessionId")));
    return c.redirect(query.size === 0 ? path : `${path}?${query.toString()}`, 303);
  };
}

/** Answers a list's URL whose term cannot be opened. */
export function searchEnded(c: Context<PageEnv>): Promise<Response> {
  return message(c, 400, "This search has ended", "It was made in another session. Search again.");
}

/** Returns the term that a list's URL has sealed; `undefined` if it has none, or it was sealed in another session. */
export function openGiven(c: Context<PageEnv>, search: unknown): string | undefined {
  return typeof search === "string" ? openTerm(search, c.get("sessionId")) : undefined;
}

/** For the anonymous viewer of a console without tokens, who has no session. */
const PROCESS_SECRET = randomBytes(32).toString("base64url");

const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Returns a search term encrypted for one session, so that the URL of a list holds its whole state, and yet no history,
 * log or proxy that has the URL has the term.
 */
function sealTerm(term: string, sessionId: string | undefined): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv("aes-256-gcm", keyOf(sessionId), iv);
  const sealed = [iv, cipher.update(term, "utf8"), cipher.final(), cipher.getAuthTag()];
  return Buffer.concat(sealed).toString("base64url");
}

/** Returns the term; `undefined` if it was not sealed in this session. */
function openTerm(sealed: string, sessionId: string | undefined): string | undefined {
  const bytes = Buffer.from(sealed, "base64url");
  if (bytes.length < IV_BYTES + TAG_BYTES) return undefined;
  const decipher = createDecipheriv("aes-256-gcm", keyOf(sessionId), bytes.subarray(0, IV_BYTES));
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    return decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES), undefined, "utf8") + decipher.final("utf8");
  } catch {
    return undefined;
  }
}

function keyOf(sessionId: string | undefined): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", sessionId ?? PROCESS_SECRET, "", "dossier search term", 32));
}
