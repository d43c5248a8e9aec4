import { setTimeout as delay } from "node:timers/promises";
import { scenario, type ScenarioOptions, type Send } from "@dossier/simulator";
import type { Sender } from "../webhooks/sender.ts";

/** What became of the webhooks that were sent. */
export interface SendCounts {
  readonly kinds: Record<Send["kind"], number>;
  accepted: number;
  refused: number;
  unanswered: number;
  /** Requests that were sent again, for want of an answer. */
  retries: number;
  seconds: number;
  /** Why the first that was not accepted was not. */
  firstError: string | undefined;
}

export interface SendOptions {
  /** Webhooks in flight at once. */
  readonly concurrency: number;
  /** Webhooks a second, at most; 0 is as fast as they are answered. */
  readonly rate: number;
  readonly onSent: () => void;
}

/** Posts webhooks in their order, each made only when it is needed. */
export async function sendAll(
  sends: Iterable<Send>,
  sender: Sender,
  { concurrency, rate, onSent }: SendOptions,
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
  const pending = sends[Symbol.iterator]();
  let begun = 0;

  async function sendNext(): Promise<void> {
    for (let next = pending.next(); !next.done; next = pending.next()) {
      const { kind, body } = next.value;
      if (rate > 0) await waitUntil(started + (begun++ / rate) * 1_000);
      const sent = await sender.send(body);
      counts.kinds[kind]++;
      counts[sent.is]++;
      counts.retries += sent.retries;
      if (sent.is !== "accepted") counts.firstError ??= sent.why;
      onSent();
    }
  }

  await Promise.all(Array.from({ length: concurrency }, sendNext));
  counts.seconds = (performance.now() - started) / 1_000;
  return counts;
}

async function waitUntil(time: number): Promise<void> {
  const wait = time - performance.now();
  if (wait > 0) await delay(wait);
}

const SAMPLE = 200;

/** Estimates how many webhooks a scenario has from its first persons: to count them all would make each twice. */
export function estimateSends(options: ScenarioOptions): number {
  const sample = Math.min(SAMPLE, options.persons);
  let sends = 0;
  for (const _ of scenario({ ...options, persons: sample }).sends) sends++;
  return Math.round((sends / sample) * options.persons);
}
