/** The queue's times, short enough for every fault to outlast them. */
export const WORKER_TIMES = { lockDurationMs: 5_000, stalledIntervalMs: 2_500 };

/** iComply sends at about 0, 1, 3, 7, 15 and 31 minutes; here a minute is a second. */
export const RETRIES_AFTER_MS = [0, 1_000, 3_000, 7_000, 15_000, 31_000] as const;

/** iComply waits 60 s for an answer; so long, sends that found a silent server would hold the others up. */
export const ANSWER_WITHIN_MS = 20_000;

/**
 * For how long all may take to be accepted, and then settled, after the last fault: some sweeps, 30 s apart, may have
 * been lost, too.
 */
export const QUIET_WITHIN_MS = 300_000;

/** For how long a service may take to shut down. */
export const STOP_WITHIN_MS = 30_000;
