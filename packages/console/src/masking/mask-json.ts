import {
  isJsonObject,
  isKnownType,
  parseTicks,
  scalarText,
  STATUSES,
  type Json,
  type JsonDifference,
  type Person,
} from "@dossier/events";
import { HIDDEN, maskEmail, maskName } from "./mask.ts";

/**
 * Masks a person's state or a payload. What is known to be harmless is shown; all else is masked, also in fields that
 * this code does not know:
 *
 * - `true`, `false`, `null`, and empty texts are shown.
 * - A text or a number is shown if its field is in `HARMLESS` and it is what that field may hold. No field is trusted by
 *   its name, since a sender, or a person whose words it passes on, may put a name into any: a type or a status is shown
 *   if it is one of those listed here, an id if it looks as no name can, and a time or a count if it is one. A new type
 *   of document is masked until it is listed.
 * - Fields for names and e-mails keep the initials. Any other text or number is `•••`.
 * - A field's name is shown if it looks like an identifier: senders' programs choose these, and no person does.
 *
 * An event's type, its id and the person's id are shown elsewhere, whatever they are: lists, paths and log lines have
 * them.
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

const isTime: Form = (text) => parseTicks(text) !== undefined;
const isCount: Form = (text) => /^\d{1,9}$/.test(text);

/** As databases number and UUIDs are written: hexadecimal digits, or a decimal number behind two letters at most. */
const isId: Form = (text) =>
  /^(?=.*\d)[0-9a-f-]{12,64}$/i.test(text) || /^(?:[a-z]{1,2}[-_]?)?\d{1,10}$/i.test(text);

const isDocumentType = oneOf(
  ...["driver license", "drivers license", "driving license", "driver licence", "drivers licence"],
  ...["driving licence", "passport", "passport card", "identity card", "id card", "national id"],
  ...["national id card", "national identity card", "residence permit", "residence card", "visa"],
  ...["birth certificate", "proof of income", "proof of address", "proof of identity", "bank statement"],
  ...["utility bill", "tax return", "payslip", "selfie", "other"],
);

const isEntityStatus = oneOf(
  ...["pending", "in progress", "in review", "submitted", "approved", "accepted", "rejected", "declined"],
  ...["active", "inactive", "suspended", "blocked", "expired", "archived", "closed", "completed", "verified"],
);

/** Compares as senders may write it: `driverLicense`, `Driver License`, `DRIVER_LICENSE`, `driver's license`. */
function oneOf(...words: readonly string[]): Form {
  const lettersOf = (text: string) => text.toLowerCase().replaceAll(/[ _'-]/g, "");
  const known = new Set(words.map(lettersOf));
  return (text) => known.has(lettersOf(text));
}

/** The fields whose values may say nothing personal, and which of their values do not. */
const HARMLESS: Readonly<Record<string, Form>> = {
  event: isKnownType,
  webhookEvent: isKnownType,
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
  status: oneOf(...STATUSES),
  entityStatus: isEntityStatus,
  kind: oneOf("manual", "auto"),
  type: isDocumentType,
  documentType: isDocumentType,
  supportingDocumentType: isDocumentType,
  unrecognisedEvents: isCount,
  version: isCount,
};

function isHarmless(text: string, field: string): boolean {
  return Object.hasOwn(HARMLESS, field) && HARMLESS[field]?.(text) === true;
}

/** A person without what tells who it is. The id stays: it is in the request, and leads to the person. */
export function maskPerson<P extends Pick<Person, "entityId">>(person: P): P {
  return { ...(maskJson(person) as unknown as P), entityId: person.entityId };
}

/** What differs between two states, with the values masked. */
export function maskDifferences(differences: readonly JsonDifference[]): readonly JsonDifference[] {
  return differences.map(({ path, before, after }) => {
    const field = path.split(".").findLast((name) => !/^\d+$/.test(name)) ?? "";
    const mask = (value: Json | undefined) => (value === undefined ? undefined : maskJson(value, field));
    return { path, before: mask(before), after: mask(after) };
  });
}
