import { openPool, type Connection } from "../database/pool.ts";
import { statement } from "../database/statements.ts";
import { transaction } from "../database/transaction.ts";
import { changeOf, type RebuildChange } from "./rebuild-change.ts";
import { beginDraft, completeDraft, switchToDraft, writeDraft } from "./rebuild-draft.ts";
import { foldPersons } from "./rebuild-fold.ts";
import { lastAppendId, lockProjection } from "./rebuild-locks.ts";

export interface RebuildOptions {
  /** Only reads, and tells what would change; needs no right but to read. Default: false. */
  readonly dryRun?: boolean;
  /** Called now and then. */
  readonly onProgress?: (progress: RebuildProgress) => void;
  /** Called for each person who changes; the rebuild goes on when it resolves. */
  readonly onChange?: (change: RebuildChange) => void | Promise<void>;
  /** Gives up, with the signal's reason, at the next batch. */
  readonly signal?: AbortSignal;
}

export interface RebuildProgress {
  /** `folding` all; `catching-up` with what was appended meanwhile; `switching`, which waits for long readers. */
  readonly phase: "folding" | "catching-up" | "switching";
  /** Events folded so far, of how many there were at the start. */
  readonly events: number;
  readonly totalEvents: number;
}

export interface RebuildResult {
  readonly events: number;
  /** Persons of whom the log knows. */
  readonly persons: number;
  /** Persons whose row changed, as of the moment at which folding began. */
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  /** How many were folded again since they changed meanwhile; a person counts each time. */
  readonly caughtUp: number;
}

/**
 * Folds the whole log anew beside the live projection, while events keep arriving, and puts the result in the live
 * one's place. All in one transaction: nobody sees anything of it before its end, and whatever ends it early, a
 * crash included, leaves nothing behind. As long as it lasts, Postgres can clean up no rows that others delete.
 *
 * Throws where another rebuild or a migration is running, where the role lacks a right, where the projection stays
 * locked by others for minutes, and what Postgres throws.
 *
 * @param ownerUrl the role that owns the tables, as for `migrate`
 */
export async function rebuild(ownerUrl: string, options: RebuildOptions = {}): Promise<RebuildResult> {
  const pool = openPool(ownerUrl, { name: "dossier-rebuild", size: 1, timeoutMs: A_DAY_MS });
  try {
    return await transaction(pool, (connection) =>
      options.dryRun === true ? foldAll(connection, options) : foldAndSwitch(connection, options),
    );
  } finally {
    await pool.end();
  }
}

const A_DAY_MS = 86_400_000;

async function foldAndSwitch(connection: Connection, options: RebuildOptions): Promise<RebuildResult> {
  await beginDraft(connection);
  // Whatever is read from here on holds all appends up to this one; those after it are folded again.
  let since = await lastAppendId(connection, options.signal);
  const rebuilt = await foldAll(connection, options);
  const progress = { events: rebuilt.events, totalEvents: rebuilt.events };
  await completeDraft(connection);

  let caughtUp = 0;
  async function catchUp(): Promise<number> {
    const next = await lastAppendId(connection, options.signal);
    const persons = await foldSince(connection, since, options);
    since = next;
    caughtUp += persons;
    return persons;
  }
  // Each round is shorter than the one before, as it folds what was appended during that: until there are few, or as
  // few as there ever are.
  let persons = Infinity;
  let before: number;
  do {
    options.onProgress?.({ phase: "catching-up", ...progress });
    before = persons;
    persons = await catchUp();
  } while (persons > FEW_PERSONS && persons < before / 2);

  options.onProgress?.({ phase: "switching", ...progress });
  await lockProjection(connection, options.signal, catchUp);
  // Nobody appends now: the last few, and the switch.
  caughtUp += await foldSince(connection, since, options);
  await switchToDraft(connection);
  return { ...rebuilt, caughtUp };
}

/** So few are folded within some milliseconds, in which all others wait. */
const FEW_PERSONS = 200;

const settings = statement("rebuild_settings");
const countEvents = statement("count_events");

/** Folds all persons and compares them with the live projection, both of one moment. */
async function foldAll(connection: Connection, options: RebuildOptions): Promise<RebuildResult> {
  await connection.query(settings);
  const { rows } = await connection.query<{ events: bigint }>(countEvents);
  const totalEvents = Number(rows[0]?.events ?? 0n);
  const counts = { events: 0, persons: 0, added: 0, changed: 0, removed: 0, caughtUp: 0 };
  let written = Promise.resolve();
  for await (const persons of foldPersons(connection)) {
    for (const person of persons) {
      counts.events += person.events;
      if (person.folded !== undefined) counts.persons++;
      const change = changeOf(person);
      if (change === undefined) continue;
      counts[change.kind]++;
      await options.onChange?.(change);
    }
    options.onProgress?.({ phase: "folding", events: counts.events, totalEvents });
    options.signal?.throwIfAborted();
    if (options.dryRun === true) continue;
    // Postgres writes these while the next are folded.
    await written;
    written = writeDraft(connection, persons);
    // An error is thrown where it is awaited; until then it is nobody's.
    written.catch(() => undefined);
  }
  await written;
  return counts;
}

/** Folds those who changed after an append id into the draft. Gives how many. */
async function foldSince(connection: Connection, since: bigint, { signal }: RebuildOptions): Promise<number> {
  let count = 0;
  for await (const persons of foldPersons(connection, since)) {
    signal?.throwIfAborted();
    count += persons.length;
    await writeDraft(connection, persons);
  }
  return count;
}
