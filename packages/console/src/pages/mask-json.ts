import { isJsonObject, parseTicks, scalarText, STATUSES, type Json } from "@dossier/events";
import { maskEmail, maskName } from "./mask.ts";

/**
 * Masks a person's state or a payload. What is known to be harmless is shown; all else is masked, also in fields that
 * this code does not know:
 *
 * - `true`, `false`, `null`, and empty texts are shown.
 * - A text or a number is shown if its field is in `HARMLESS` and it looks as the values of that field do: an id
 *   without blanks or `@`, a time, a status, a count, a type of a few words.
 * - Fields for names and e-mails keep the initials. Any other text or number is `•••`.
 * - A field's name is shown if it looks like an identifier, since a sender may have names of persons there.
 *
 * @param field the name of the field that holds the value; that of the list, for what is in a list
 */
export function maskJson(value: Json, field = ""): Json {
  if (value === null || typeof value === "boolean" || value === "") return value;
  if (isJsonObject(value))
    return Object.fromEntries(
      Object.entries(value).map(([name, member], n) => [maskFieldName(name, n), maskJson(member, name)]),
    );
  const text = scalarText(value);
  if (text === undefined) return (value as readonly Json[]).map((item) => maskJson(item, field));
  if (isHarmless(text, field)) return value;
  return typeof value === "string" ? maskText(value, field) : HIDDEN;
}

const HIDDEN = "•••";

function maskText(text: string, field: string): string {
  if (NAME_FIELDS.has(field)) return maskName(text) || HIDDEN;
  if (EMAIL_FIELDS.has(field)) return maskEmail(text) || HIDDEN;
  return HIDDEN;
}

function maskFieldName(name: string, n: number): string {
  return /^[A-Za-z_]\w{0,63}$/.test(name) ? name : `${HIDDEN}${n}`;
}

const NAME_FIELDS = new Set(["entity", "name", "userName", "byName"]);
const EMAIL_FIELDS = new Set(["email", "userEmail", "byEmail"]);

type Form = (text: string) => boolean;

const isWord: Form = (text) => /^[A-Za-z]\w{0,99}$/.test(text);
const isId: Form = (text) => /^[\w.:-]{1,255}$/.test(text);
const isTime: Form = (text) => parseTicks(text) !== undefined;
const isStatus: Form = (text) => (STATUSES as readonly string[]).includes(text);
const isCount: Form = (text) => /^\d{1,9}$/.test(text);
const isKind: Form = (text) => /^[A-Za-z]+(?:[ _-][A-Za-z]+){0,3}$/.test(text) && text.length <= 40;

/** The fields whose values say nothing personal, and what these values look like. */
const HARMLESS: Readonly<Record<string, Form>> = {
  event: isWord,
  webhookEvent: isWord,
  id: isId,
  entityId: isId,
  sessionId: isId,
  supportingDocumentId: isId,
  creationTimeUtc: isTime,
  at: isTime,
  startedAt: isTime,
  uploadedAt: isTime,
  personalInfoSubmittedAt: isTime,
  firstEventAt: isTime,
  lastEventAt: isTime,
  status: isStatus,
  entityStatus: isWord,
  kind: isWord,
  type: isKind,
  documentType: isKind,
  supportingDocumentType: isKind,
  unrecognisedEvents: isCount,
  version: isCount,
};

function isHarmless(text: string, field: string): boolean {
  return Object.hasOwn(HARMLESS, field) && HARMLESS[field]?.(text) === true;
}
