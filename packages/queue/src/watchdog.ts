/** When something that gives no sign of life is replaced, and when given up. All in milliseconds. */
export interface SilenceLimits {
  /** The silence after which it is replaced. */
  readonly replaceAfterMs: number;
  /** How long what replaces it may be silent. Then it is given up, or replaced once more. */
  readonly giveUpAfterMs: number;
}

export interface Watched {
  /** Whether there was a sign of life since the last call; `undefined` if none is to be expected now. */
  takeSign(): boolean | undefined;
  replace(): void;
  /** Called if replacing it did not help. If it returns, replacing begins anew. */
  giveUp(): void;
}

export interface Watchdog {
  /** How long there was no sign of life, in milliseconds; exact to an interval between two looks. */
  readonly silentForMs: number;
  stop(): void;
}

const LONGEST_INTERVAL_MS = 1_000;

/**
 * Replaces something that is silent. It counts its own looks, not the time between them: a process that was frozen itself
 * has taken none.
 */
export function startWatchdog(watched: Watched, { replaceAfterMs, giveUpAfterMs }: SilenceLimits): Watchdog {
  const intervalMs = Math.min(LONGEST_INTERVAL_MS, replaceAfterMs / 4);
  let silentForMs = 0;
  let sinceReplacedMs: number | undefined;

  function look(): void {
    const sign = watched.takeSign();
    if (sign === undefined) return;
    if (sign) {
      silentForMs = 0;
      sinceReplacedMs = undefined;
      return;
    }
    silentForMs += intervalMs;
    if (sinceReplacedMs !== undefined) {
      sinceReplacedMs += intervalMs;
      if (sinceReplacedMs < giveUpAfterMs) return;
      watched.giveUp();
    }
    if (silentForMs < replaceAfterMs) return;
    sinceReplacedMs = 0;
    watched.replace();
  }

  const timer = setInterval(look, intervalMs);
  return {
    get silentForMs() {
      return silentForMs;
    },
    stop: () => clearInterval(timer),
  };
}
