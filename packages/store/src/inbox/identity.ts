import {
  parseDelivery,
  parseJson,
  parsePartialIdentity,
  scalarText,
  type PartialIdentity,
  type Ticks,
} from "@dossier/events";
import type { Connection, Pool } from "../database/pool.ts";
import { sql } from "../database/statements.ts";

const selectBody = sql("select_body", "select body from deliveries where delivery_id = $1");

/** Returns the identity of a recorded delivery's event, as far as its bytes can be parsed. */
export async function findIdentity(
  connection: Connection | Pool,
  deliveryId: string,
): Promise<PartialIdentity | undefined> {
  const { rows } = await connection.query<{ body: Buffer }>({ ...selectBody, values: [deliveryId] });
  return rows[0] && parseIdentity(rows[0].body);
}

/** Returns the identity of a delivery's event, as far as its bytes can be parsed. Never throws. */
export function parseIdentity(body: Buffer): PartialIdentity | undefined {
  return orUndefined(() => parsePartialIdentity(body));
}

/** Returns the time of a delivery's event, if all of its bytes can be parsed. Never throws. */
export function parseTime(body: Buffer): Ticks | undefined {
  const parsed = orUndefined(() => parseDelivery(body));
  return parsed?.ok === true ? parsed.value.ticks : undefined;
}

/** The parser itself may be what fails at a delivery. */
function orUndefined<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}

/** Any `entityId`: a text of up to 200 characters, each maybe escaped, or a number. */
const ENTITY_ID = /"entityId"\s*:\s*("(?:[^"\\]|\\.){0,1200}"|[-+.\deE]{1,200})/gi;

/**
 * Whether a delivery's bytes seem to name a person. They are not parsed, but searched for any field `entityId`: for a
 * delivery that may have stopped a worker, so that the person's file shows it all the same.
 */
export function namesPerson(body: Buffer, entityId: string): boolean {
  return body
    .toString()
    .matchAll(ENTITY_ID)
    .some(([, value = ""]) => parseScalar(value) === entityId);
}

function parseScalar(text: string): string | undefined {
  try {
    return scalarText(parseJson(text));
  } catch {
    return undefined;
  }
}
