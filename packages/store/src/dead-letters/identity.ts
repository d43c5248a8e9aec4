import { parseDelivery, type PartialIdentity } from "@dossier/events";
import type { Connection, Pool } from "../database/pool.ts";
import { statement } from "../database/statements.ts";

const selectBody = statement("select_body");

/** Which event a recorded delivery tells of, as far as its bytes say. */
export async function identityOf(
  connection: Connection | Pool,
  deliveryId: string,
): Promise<PartialIdentity | undefined> {
  const { rows } = await connection.query<{ body: Buffer }>({ ...selectBody, values: [deliveryId] });
  return rows[0] && identityIn(rows[0].body);
}

function identityIn(body: Buffer): PartialIdentity | undefined {
  try {
    const read = parseDelivery(body);
    return read.ok ? read.value : read.error.identity;
  } catch {
    // What made this code fail at a delivery may do so here; and it is to be buried all the same.
    return undefined;
  }
}
