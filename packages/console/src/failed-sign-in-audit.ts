import type { NewAuditEntry } from "@dossier/store";

/** Failed sign-ins of the same kind within so long are one entry. */
const INTERVAL_MS = 60_000;

export interface FailedSignInAudit {
  /** @param who the name of a token that is known, but not valid here */
  record(reason: string, who: string | null): void;
  /** Writes what is not written yet. */
  stop(): Promise<void>;
}

/**
 * Records failed sign-ins in the audit log, which is kept for ever: the first at once, and those that follow within a
 * minute in one entry for each reason and token, so that guessing cannot fill the disk. What cannot be written is kept,
 * and written a minute later.
 */
export function auditFailedSignIns(write: (entry: NewAuditEntry) => Promise<void>): FailedSignInAudit {
  let failures = new Map<string, { reason: string; who: string | null; count: number }>();
  let timer: NodeJS.Timeout | undefined;

  function add(reason: string, who: string | null, count: number): void {
    const key = JSON.stringify([reason, who]);
    failures.set(key, { reason, who, count: (failures.get(key)?.count ?? 0) + count });
  }

  async function flush(): Promise<void> {
    const written = failures;
    failures = new Map();
    for (const { reason, who, count } of written.values()) {
      const entry = { who, action: "sign-in-failed", reason, detail: { failures: count } } as const;
      // Postgres is unavailable, which the console reports already.
      await write(entry).catch(() => add(reason, who, count));
    }
  }

  function onTimer(): void {
    timer = failures.size === 0 ? undefined : setTimeout(onTimer, INTERVAL_MS).unref();
    void flush();
  }

  return {
    record(reason, who) {
      add(reason, who, 1);
      if (timer === undefined) onTimer();
    },
    async stop() {
      clearTimeout(timer);
      await flush();
    },
  };
}
