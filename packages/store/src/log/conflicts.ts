import {
  diffJson,
  parseJson,
  type Issue,
  type JsonDifference,
  type Outcome,
  type ParsedDelivery,
  type ParsedEvent,
} from "@dossier/events";
import { MAX_BYTES } from "../database/groups.ts";
import type { Connection } from "../database/pool.ts";
import { sql } from "../database/statements.ts";

/** Differences that a dead letter names, and characters of each path. */
const MAX_NAMED = 50;
const MAX_PATH_LENGTH = 200;

/**
 * Adds to the outcomes of conflicting duplicates at which paths their data differ from the log's. Compares at most about
 * `MAX_BYTES` of the log, since the persons' locks are held meanwhile.
 */
export async function nameDifferences(
  connection: Connection,
  deliveries: readonly ParsedDelivery[],
  outcomes: readonly (readonly [string, Outcome])[],
): Promise<readonly (readonly [string, Outcome])[]> {
  const parsed = new Map(deliveries.map(({ deliveryId, event }) => [deliveryId, event]));
  const named: (readonly [string, Outcome])[] = [];
  let room = MAX_BYTES;
  // One after the other, since each may take a megabyte.
  for (const [deliveryId, outcome] of outcomes) {
    const event = parsed.get(deliveryId);
    const isConflict =
      outcome.kind === "dead-lettered" && outcome.deadLetter.reason === "conflicting-duplicate";
    if (!isConflict || event === undefined) named.push([deliveryId, outcome]);
    else {
      const { issues, length } = room > 0 ? await findDifferences(connection, event) : NOT_COMPARED;
      room -= length;
      named.push([deliveryId, { ...outcome, deadLetter: { ...outcome.deadLetter, issues } }]);
    }
  }
  return named;
}

/** What the data of one conflicting duplicate were compared to. */
interface Comparison {
  readonly issues: readonly Issue[];
  /** Characters of the log's data. */
  readonly length: number;
}

const NOT_COMPARED: Comparison = {
  issues: [{ path: "data", message: "was not compared: too much differs at the same time" }],
  length: 0,
};

const selectData = sql(
  "select_logged_data",
  "select data from events where (entity_id, event, id) = ($1, $2, $3)",
);

async function findDifferences(
  connection: Connection,
  { entityId, event, id, dataJson }: ParsedEvent,
): Promise<Comparison> {
  const { rows } = await connection.query<{ data: string }>({ ...selectData, values: [entityId, event, id] });
  const differences = rows.flatMap(({ data }) =>
    diffJson(parseJson(data), parseJson(dataJson), MAX_NAMED + 1),
  );
  const more = differences.length > MAX_NAMED;
  return {
    issues: [
      ...differences.slice(0, MAX_NAMED).map(toIssue),
      ...(more ? [{ path: "data", message: "differs at further paths" }] : []),
    ],
    length: rows.reduce((sum, { data }) => sum + data.length, 0),
  };
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
