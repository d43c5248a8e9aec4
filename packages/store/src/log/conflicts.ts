import {
  diffJson,
  parseJson,
  type Issue,
  type JsonDifference,
  type Outcome,
  type ParsedDelivery,
  type ParsedEvent,
} from "@dossier/events";
import type { Connection } from "../database/pool.ts";
import { sql } from "../database/statements.ts";

/** Differences that a dead letter names, and characters of each path. */
const MAX_NAMED = 50;
const MAX_PATH_LENGTH = 200;

/** Adds to the outcomes of conflicting duplicates at which paths their data differ from the log's. */
export async function nameDifferences(
  connection: Connection,
  deliveries: readonly ParsedDelivery[],
  outcomes: readonly (readonly [string, Outcome])[],
): Promise<readonly (readonly [string, Outcome])[]> {
  const parsed = new Map(deliveries.map(({ deliveryId, event }) => [deliveryId, event]));
  const named: (readonly [string, Outcome])[] = [];
  // One after the other, since each may take a megabyte.
  for (const [deliveryId, outcome] of outcomes) {
    const event = parsed.get(deliveryId);
    const isConflict =
      outcome.kind === "dead-lettered" && outcome.deadLetter.reason === "conflicting-duplicate";
    if (!isConflict || event === undefined) named.push([deliveryId, outcome]);
    else {
      const issues = await findDifferences(connection, event);
      named.push([deliveryId, { ...outcome, deadLetter: { ...outcome.deadLetter, issues } }]);
    }
  }
  return named;
}

const selectData = sql(
  "select_logged_data",
  "select data from events where (entity_id, event, id) = ($1, $2, $3)",
);

async function findDifferences(
  connection: Connection,
  { entityId, event, id, dataJson }: ParsedEvent,
): Promise<readonly Issue[]> {
  const { rows } = await connection.query<{ data: string }>({ ...selectData, values: [entityId, event, id] });
  const differences = rows.flatMap(({ data }) => diffJson(parseJson(data), parseJson(dataJson)));
  const unnamed = differences.length - MAX_NAMED;
  return [
    ...differences.slice(0, MAX_NAMED).map(toIssue),
    ...(unnamed > 0 ? [{ path: "data", message: `differs at ${unnamed} further paths` }] : []),
  ];
}

/** Names no value, which may be personal. */
function toIssue({ path, before, after }: JsonDifference): Issue {
  const message =
    before === undefined
      ? "is not in the first delivery"
      : after === undefined
        ? "is only in the first delivery"
        : "differs from the first delivery";
  return { path: `data.${path}`.slice(0, MAX_PATH_LENGTH), message };
}
