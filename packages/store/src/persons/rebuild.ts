import type { JsonDifference } from "@dossier/events";
import { appendCommandAudit } from "../audit.ts";
import { openPool, type Connection } from "../database/pool.ts";
import { sql } from "../database/statements.ts";
import { transaction } from "../database/transaction.ts";
import { foldPersons, type FoldedPerson } from "./fold-log.ts";
import { diffRows } from "./projection.ts";
import {
  completeDraft,
  createDraft,
  findLastAppendId,
  lockProjection,
  markChanged,
  recordRebuiltPersons,
  switchToDraft,
  writeDraft,
} from "./rebuild-draft.ts";

export interface RebuildOptions {
  /** Only reads, and reports what would change; needs no right but to read. Default: false. */
  readonly dryRun?: boolean;
  /** Called after each batch. */
  readonly onProgress?: (progress: RebuildProgress) => void;
  /** Called for each person who changes. The rebuild waits until it resolves. */
  readonly onChange?: (change: RebuildChange) => void | Promise<void>;
  /** Aborts at the next batch, with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface RebuildProgress {
  /** `folding` all; `catching-up` with what was appended meanwhile; `switching`, which waits for long readers. */
  readonly phase: "folding" | "catching-up" | "switching";
  /** Events folded so far, of `totalEvents` at the start. */
  readonly events: number;
  readonly totalEvents: number;
}

/** How a rebuild changes a person. Holds personal data. */
export interface RebuildChange {
  readonly entityId: string;
  /** `added`: the projection lacked the person; `removed`: the log has no such person. */
  readonly kind: "added" | "changed" | "removed";
  readonly differences: readonly JsonDifference[];
}

export interface RebuildResult {
  readonly events: number;
  /** Persons in the log. */
  readonly persons: number;
  /** Persons whose row changed, as of when folding began. */
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  /** Persons refolded since they changed during the rebuild; a person counts each time. */
  readonly caughtUp: number;
}

/**
 * Refolds the whole log into a draft beside the live projection, while events keep arriving, and puts the draft in the
 * projection's place, and says so in the audit log. It is one transaction: its result is visible at its end, and if it ends
 * early, by a crash too, it leaves nothing. While it runs, Postgres cannot vacuum rows that others delete.
 *
 * Throws if another rebuild or a migration is running, if the role lacks a right, if the projection stays locked by
 * others for minutes, and what Postgres throws.
 *
 * @param ownerUrl the role that owns the tables, as for `migrate`
 */
export async function rebuild(ownerUrl: string, options: RebuildOptions = {}): Promise<RebuildResult> {
  const pool = openPool(ownerUrl, { name: "dossier-rebuild", size: 1, timeoutMs: DAY_MS });
  try {
    return await transaction(pool, (connection) =>
      options.dryRun === true ? foldAll(connection, options) : foldAndSwitch(connection, options),
    );
  } finally {
    await pool.end();
  }
}

const DAY_MS = 86_400_000;

async function foldAndSwitch(connection: Connection, options: RebuildOptions): Promise<RebuildResult> {
  await createDraft(connection);
  // What is read from here on includes all appends up to this one; persons of later appends are refolded.
  let since = await findLastAppendId(connection, options.signal);
  const rebuilt = await foldAll(connection, options);
  const progress = { events: rebuilt.events, totalEvents: rebuilt.events };
  await completeDraft(connection);

  let caughtUp = 0;
  async function catchUp(): Promise<number> {
    const next = await findLastAppendId(connection, options.signal);
    const persons = await foldSince(connection, since, options);
    since = next;
    caughtUp += persons;
    return persons;
  }
  // Each round is shorter than the one before, as it folds what was appended during that one. It ends when few persons
  // are left, or when their number no longer falls.
  let persons = Infinity;
  let before: number;
  do {
    options.onProgress?.({ phase: "catching-up", ...progress });
    before = persons;
    persons = await catchUp();
  } while (persons > FEW_PERSONS && persons < before / 2);

  options.onProgress?.({ phase: "switching", ...progress });
  await lockProjection(connection, options.signal, catchUp);
  // No transaction can append now: fold the last few persons, and switch.
  caughtUp += await foldSince(connection, since, options);
  await recordRebuiltPersons(connection);
  const { added, changed, removed } = rebuilt;
  const detail = { command: "rebuild", added, changed, removed };
  await appendCommandAudit(connection, { action: "rebuilt", detail });
  await switchToDraft(connection);
  return { ...rebuilt, caughtUp };
}

/** These are folded within some milliseconds, during which all other transactions wait. */
const FEW_PERSONS = 200;

// The log is sorted by person, which spills to disk, and then streamed; hashing would gather all of it first.
const preferSorting = sql(
  "prefer_sorting",
  `select set_config(name, setting, true) from (values
     ('enable_hashagg', 'off'), ('enable_hashjoin', 'off'), ('maintenance_work_mem', '128MB')) as _ (name, setting)`,
);
const countEvents = sql("count_events", "select count(*) as events from events");

/** Folds all persons and compares them with the live projection, both as of one time. */
async function foldAll(connection: Connection, options: RebuildOptions): Promise<RebuildResult> {
  await connection.query(preferSorting);
  const { rows } = await connection.query<{ events: bigint }>(countEvents);
  const totalEvents = Number(rows[0]?.events ?? 0n);
  const counts = { events: 0, persons: 0, added: 0, changed: 0, removed: 0, caughtUp: 0 };
  let written = Promise.resolve();
  for await (const persons of foldPersons(connection)) {
    for (const person of persons) {
      counts.events += person.events;
      if (person.folded !== undefined) counts.persons++;
      const change = findChange(person);
      if (change === undefined) continue;
      counts[change.kind]++;
      await options.onChange?.(change);
    }
    options.onProgress?.({ phase: "folding", events: counts.events, totalEvents });
    options.signal?.throwIfAborted();
    if (options.dryRun === true) continue;
    // Postgres writes these while the next are folded.
    await written;
    written = writeFolded(connection, persons);
    // An error is thrown where it is awaited. Until then it must not count as unhandled.
    written.catch(() => undefined);
  }
  await written;
  return counts;
}

/** Folds the persons who changed after an append id into the draft. Returns how many. */
async function foldSince(connection: Connection, since: bigint, { signal }: RebuildOptions): Promise<number> {
  let count = 0;
  for await (const persons of foldPersons(connection, since)) {
    signal?.throwIfAborted();
    count += persons.length;
    await writeFolded(connection, persons);
  }
  return count;
}

async function writeFolded(connection: Connection, persons: readonly FoldedPerson[]): Promise<void> {
  const rows = persons.flatMap(({ folded }) => folded ?? []);
  const { changed = [], unchanged = [] } = Object.groupBy(persons, (person) =>
    changesState(person) ? "changed" : "unchanged",
  );
  await Promise.all([writeDraft(connection, rows), markChanged(connection, changed, unchanged)]);
}

/** Returns whether a rebuild changes a person's state, and not only the version of the fold that made it. */
function changesState(person: FoldedPerson): boolean {
  return findChange(person)?.differences.some(({ path }) => path !== "foldVersion") === true;
}

/** Returns how a rebuild changes a person's row; `undefined` if no byte changes. */
function findChange({ entityId, folded, live }: FoldedPerson): RebuildChange | undefined {
  const differences = diffRows(live, folded);
  if (differences === undefined) return undefined;
  const kind = live === undefined ? "added" : folded === undefined ? "removed" : "changed";
  return { entityId, kind, differences };
}
