import { setTimeout as delay } from "node:timers/promises";
import { scenario, type ScenarioOptions, type Sender, type Webhook } from "@dossier/simulator";

/** What became of the webhooks that were sent. */
export interface SendCounts {
  readonly kinds: Record<Webhook["kind"], number>;
  accepted: number;
  refused: number;
  unanswered: number;
  /** Requests that were sent again, for want of an answer. */
  retries: number;
  seconds: number;
  /** Why the first that was not accepted was not. */
  firstError: string | undefined;
}

export interface SendAllOptions {
  /** Webhooks in flight at once. */
  readonly concurrency: number;
  /** Webhooks a second, at most; 0 is as fast as they are answered. */
  readonly rate: number;
  readonly onSent: () => void;
}

/** Posts webhooks in their order, each made only when it is needed. */
export async function sendAll(
  webhooks: Iterable<Webhook>,
  sender: Sender,
  { concurrency, rate, onSent }: SendAllOptions,
): Promise<SendCounts> {
  const counts: SendCounts = {
    kinds: { first: 0, retry: 0, duplicate: 0, conflict: 0 },
    accepted: 0,
    refused: 0,
    unanswered: 0,
    retries: 0,
    seconds: 0,
    firstError: undefined,
  };
  const started = performance.now();
  let begun = 0;
  await forEachConcurrently(webhooks, concurrency, async ({ kind, body }) => {
    if (rate > 0) await waitUntil(started + (begun++ / rate) * 1_000);
    const result = await sender.send(body);
    counts.kinds[kind]++;
    counts[result.kind]++;
    counts.retries += result.retries;
    if (result.kind !== "accepted") counts.firstError ??= result.error;
    onSent();
  });
  counts.seconds = (performance.now() - started) / 1_000;
  return counts;
}

/** Calls `act` for each item, taken only when there is room for it: `concurrency` at once at most. */
export async function forEachConcurrently<T>(
  items: Iterable<T>,
  concurrency: number,
  act: (item: T) => Promise<void>,
): Promise<void> {
  const pending = items[Symbol.iterator]();
  async function actOnNext(): Promise<void> {
    for (let next = pending.next(); !next.done; next = pending.next()) await act(next.value);
  }
  await Promise.all(Array.from({ length: concurrency }, actOnNext));
}

async function waitUntil(time: number): Promise<void> {
  const wait = time - performance.now();
  if (wait > 0) await delay(wait);
}

const SAMPLE = 200;

/** Estimates how many webhooks a scenario has from its first persons: to count them all would make each twice. */
export function estimateWebhooks(options: ScenarioOptions): number {
  const sample = Math.min(SAMPLE, options.persons);
  let webhooks = 0;
  for (const _ of scenario({ ...options, persons: sample }).webhooks) webhooks++;
  return Math.round((webhooks / sample) * options.persons);
}
