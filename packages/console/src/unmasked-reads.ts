import { setTimeout as delay } from "node:timers/promises";
import { BufferFullError, outageLog, type Logger } from "@dossier/service";
import type { NewAuditEntry } from "@dossier/store";

/** Entries that may wait while Postgres takes none: about a megabyte. */
const MAX_WAITING_READS = 5_000;

/** Entries of one statement. */
const MAX_BATCH = 500;

const RETRY_MS = 1_000;

export interface UnmaskedReads {
  /** Has an entry written soon. Throws a `BufferFullError` if too many wait: what cannot be audited is not answered. */
  record(entry: NewAuditEntry): void;
  /** Writes what is not written yet, in one attempt. */
  stop(): Promise<void>;
}

/**
 * Records who read personal data unmasked, one entry a request, beside the requests: those that come while a batch is
 * written share the next one. A crash loses the entries that wait, mostly those of some milliseconds.
 */
export function recordUnmaskedReads(
  write: (entries: readonly NewAuditEntry[]) => Promise<void>,
  log: Logger,
  maxWaiting: number = MAX_WAITING_READS,
): UnmaskedReads {
  const outage = outageLog(log, {
    began: { code: "audit-failed", message: "reads not audited; retrying" },
    ended: { code: "audit-recovered", message: "reads are audited again" },
  });
  const stopping = new AbortController();
  let waiting: NewAuditEntry[] = [];
  let running: Promise<void> | undefined;

  async function writeBatch(): Promise<void> {
    const batch = waiting.slice(0, MAX_BATCH);
    await outage.watch(() => write(batch));
    waiting = waiting.slice(batch.length);
  }

  async function run(): Promise<void> {
    while (waiting.length > 0 && !stopping.signal.aborted)
      await writeBatch().catch(() =>
        delay(RETRY_MS, undefined, { signal: stopping.signal }).catch(() => undefined),
      );
    running = undefined;
  }

  return {
    record(entry) {
      if (waiting.length >= maxWaiting)
        throw new BufferFullError("no room for a further entry of the audit log");
      waiting.push(entry);
      running ??= run();
    },
    async stop() {
      stopping.abort();
      await running;
      try {
        while (waiting.length > 0) await writeBatch();
      } catch {
        // Logged already, and Postgres takes nothing.
      }
    },
  };
}
