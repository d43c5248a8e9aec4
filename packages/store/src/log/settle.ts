import {
  append,
  parseDelivery,
  type Appended,
  type Folded,
  type Outcome,
  type Outcomes,
  type ParsedDelivery,
  type Ticks,
} from "@dossier/events";
import { MAX_BYTES } from "../database/groups.ts";
import type { Connection, Pool } from "../database/pool.ts";
import { sql, sqlFile } from "../database/statements.ts";
import { awaitAll, transaction } from "../database/transaction.ts";
import { isDeliveryId } from "../inbox/deliveries.ts";
import { toRow, writePersons } from "../persons/projection.ts";
import { refold, type OutOfOrderStream } from "../persons/refold.ts";
import { appendToLog, openForAppend, recordChanges } from "./append.ts";
import { nameDifferences } from "./conflicts.ts";

export interface SettleObserver {
  /** Called with the trace contexts of those that are open and traced, also if they are not settled in the end. */
  readonly onClaimed?: (traceparents: readonly string[]) => void;
  /** Called after the commit, with the time of receipt of each delivery that was applied. */
  readonly onApplied?: (receivedTicks: readonly Ticks[]) => void;
}

/**
 * Settles deliveries in one transaction: parses them, locks their persons' streams in one order, appends to the log,
 * folds, writes the projection, and records how each delivery ended. A delivery that is not open is left as it is, so a
 * second run changes nothing. Returns the outcomes: `applied`, `duplicate`, `dead-lettered`, `not-open` or `unknown`.
 *
 * One transaction holds about `MAX_BYTES`. Deliveries beyond that stay open and get no outcome: settle them next. At
 * least one delivery gets an outcome. Throws what Postgres throws (see `isRetryable`); then nothing has changed.
 */
export async function settle(
  pool: Pool,
  deliveryIds: readonly string[],
  codeVersion: string,
  { onClaimed, onApplied }: SettleObserver = {},
): Promise<Outcomes> {
  const { outcomes, receivedTicks } = await transaction(pool, async (connection) => {
    const applied = await applyDeliveries(connection, deliveryIds, onClaimed);
    await recordOutcomes(connection, applied.outcomes, codeVersion);
    return applied;
  });
  onApplied?.(receivedTicks);
  return outcomes;
}

/** Runs the part of `settle` that changes persons; a dry run needs no other. */
export async function applyDeliveries(
  connection: Connection,
  deliveryIds: readonly string[],
  onClaimed?: SettleObserver["onClaimed"],
): Promise<{ readonly outcomes: Outcomes; readonly receivedTicks: readonly Ticks[] }> {
  const { open, parsed, unparsable, traceparents } = await claim(
    connection,
    deliveryIds.filter(isDeliveryId),
  );
  onClaimed?.(traceparents);
  const appended = await appendDeliveries(connection, parsed);
  const outcomes = new Map<string, Outcome>([
    ...(await explainUnclaimed(
      connection,
      deliveryIds.filter((deliveryId) => !open.has(deliveryId)),
    )),
    ...unparsable,
    ...(await nameDifferences(
      connection,
      parsed,
      appended.flatMap((stream) => [...stream.outcomes]),
    )),
  ]);
  const events = appended.flatMap(({ entries }) => entries.filter(({ kind }) => kind === "event"));
  return { outcomes, receivedTicks: events.map(({ receivedTicks }) => receivedTicks) };
}

interface Claimed {
  /** Those that are open, whether their bodies were read or not. */
  readonly open: ReadonlySet<string>;
  readonly parsed: readonly ParsedDelivery[];
  readonly unparsable: Outcomes;
  readonly traceparents: readonly string[];
}

// A prepared plan is kept while the tables grow: it must not scan a whole table because that was small once.
const preferIndexes = sql(
  "prefer_indexes",
  `select set_config(name, 'off', true)
   from unnest(array['enable_seqscan', 'enable_hashjoin', 'enable_mergejoin']) as _ (name)`,
);
const claimDeliveries = sqlFile("claim_deliveries");

/**
 * Locks those of the deliveries that are open and not locked by another worker. Parses the first of them, about
 * `MAX_BYTES`.
 */
async function claim(connection: Connection, deliveryIds: readonly string[]): Promise<Claimed> {
  const [, { rows }] = await awaitAll([
    connection.query(preferIndexes),
    connection.query<ClaimedRow>({ ...claimDeliveries, values: [deliveryIds, MAX_BYTES] }),
  ]);
  const parsed: ParsedDelivery[] = [];
  const unparsable = new Map<string, Outcome>();
  for (const row of rows) {
    if (row.body === null) continue;
    const { delivery_id: deliveryId, body, digest, received_ticks: receivedTicks } = row;
    const event = parseDelivery(body);
    if (event.ok) parsed.push({ deliveryId, receivedTicks, deliveryDigest: digest, event: event.value });
    else unparsable.set(deliveryId, { kind: "dead-lettered", deadLetter: event.error });
  }
  return {
    open: new Set(rows.map(({ delivery_id }) => delivery_id)),
    parsed,
    unparsable,
    traceparents: rows.flatMap(({ traceparent }) => traceparent ?? []),
  };
}

type ClaimedRow = { readonly delivery_id: string; readonly traceparent: string | null } & (
  | { readonly body: null }
  | { readonly body: Buffer; readonly digest: Buffer; readonly received_ticks: bigint }
);

const selectRecorded = sql(
  "select_recorded",
  "select delivery_id from deliveries where delivery_id = any ($1::uuid[])",
);

async function explainUnclaimed(connection: Connection, deliveryIds: readonly string[]): Promise<Outcomes> {
  if (deliveryIds.length === 0) return new Map();
  const { rows } = await connection.query<{ delivery_id: string }>({
    ...selectRecorded,
    values: [deliveryIds.filter(isDeliveryId)],
  });
  const recorded = new Set(rows.map(({ delivery_id }) => delivery_id));
  return new Map(deliveryIds.map((id) => [id, { kind: recorded.has(id) ? "not-open" : "unknown" }]));
}

async function appendDeliveries(
  connection: Connection,
  deliveries: readonly ParsedDelivery[],
): Promise<readonly Appended[]> {
  if (deliveries.length === 0) return [];
  const byEntity = Map.groupBy(deliveries, ({ event }) => event.entityId);
  const { appendId, streams } = await openForAppend(connection, byEntity);
  const appended = streams.map((stream) => append(stream, byEntity.get(stream.entityId) ?? []));

  const outOfOrder: OutOfOrderStream[] = [];
  const folded: Folded[] = [];
  for (const { entityId, entries, folded: person } of appended) {
    if (person === "out-of-order") outOfOrder.push({ entityId, entries: entries.at(-1)?.seq ?? 0 });
    else if (person !== undefined && entries.some(({ changesState }) => changesState)) folded.push(person);
  }
  const statuses = new Map(folded.map(({ state }) => [state.entityId, state.status]));
  const record = () => recordChanges(connection, appendId, appended, statuses);
  // Sent in this order without waiting: a refold reads the log after the append.
  const [, , refolded] = await awaitAll([
    appendToLog(connection, appendId, appended),
    writePersons(connection, folded.map(toRow)),
    refold(connection, outOfOrder),
    outOfOrder.length === 0 && record(),
  ]);
  if (outOfOrder.length > 0) {
    for (const { entityId, status } of refolded) statuses.set(entityId, status);
    await record();
  }
  return appended;
}

const insertDeadLetters = sql(
  "insert_dead_letters",
  `insert into dead_letters (delivery_id, reason, message, issues, event, id, entity_id, code_version)
   select *, $8 from unnest($1::uuid[], $2::text[], $3::text[], $4::json[], $5::text[], $6::text[], $7::text[])`,
);
const settleDeliveries = sqlFile("settle_deliveries");

/** Records the dead letters among these outcomes, and settles all deliveries that were open. */
export async function recordOutcomes(
  connection: Connection,
  outcomes: Outcomes,
  codeVersion: string,
): Promise<void> {
  const settled = [...outcomes].filter(([, { kind }]) => kind !== "not-open" && kind !== "unknown");
  if (settled.length === 0) return;
  const deadLetters = settled.flatMap(([deliveryId, outcome]) =>
    outcome.kind === "dead-lettered" ? [{ deliveryId, ...outcome.deadLetter }] : [],
  );
  await awaitAll([
    deadLetters.length > 0 &&
      connection.query({
        ...insertDeadLetters,
        values: [
          deadLetters.map(({ deliveryId }) => deliveryId),
          deadLetters.map(({ reason }) => reason),
          deadLetters.map(({ message }) => message),
          deadLetters.map(({ issues }) => JSON.stringify(issues)),
          deadLetters.map(({ identity }) => identity?.event),
          deadLetters.map(({ identity }) => identity?.id),
          deadLetters.map(({ identity }) => identity?.entityId),
          codeVersion,
        ],
      }),
    connection.query({
      ...settleDeliveries,
      values: [settled.map(([deliveryId]) => deliveryId), settled.map(([, { kind }]) => kind)],
    }),
  ]);
}
