import { setTimeout as delay } from "node:timers/promises";
import type { Sender, Webhook } from "@dossier/simulator";

export interface Tally {
  readonly kinds: Record<Webhook["kind"], number>;
  accepted: number;
  refused: number;
  unanswered: number;
  /** Sends that were made again because the first found no answer. */
  retries: number;
  seconds: number;
  /** Why the first of those that were not accepted was not. */
  firstFault: string | undefined;
}

export interface StreamOptions {
  /** Sends that may be under way at once. */
  readonly concurrency: number;
  /** Sends a second at the most; 0 is as fast as they are answered. */
  readonly rate: number;
  readonly onSent: () => void;
}

/** Posts sends in their order, made only as they are needed, and counts what became of them. */
export async function stream(
  sends: Iterable<Webhook>,
  sender: Sender,
  { concurrency, rate, onSent }: StreamOptions,
): Promise<Tally> {
  const tally: Tally = {
    kinds: { first: 0, retry: 0, duplicate: 0, conflict: 0 },
    accepted: 0,
    refused: 0,
    unanswered: 0,
    retries: 0,
    seconds: 0,
    firstFault: undefined,
  };
  const started = performance.now();
  const pending = sends[Symbol.iterator]();
  let begun = 0;

  async function lane(): Promise<void> {
    for (let next = pending.next(); !next.done; next = pending.next()) {
      const { kind, body } = next.value;
      if (rate > 0) await until(started + (begun++ / rate) * 1_000);
      const sent = await sender.send(body);
      tally.kinds[kind]++;
      tally[sent.kind]++;
      tally.retries += sent.retries;
      if (sent.kind !== "accepted") tally.firstFault ??= sent.error;
      onSent();
    }
  }

  await Promise.all(Array.from({ length: concurrency }, lane));
  tally.seconds = (performance.now() - started) / 1_000;
  return tally;
}

async function until(time: number): Promise<void> {
  const wait = time - performance.now();
  if (wait > 0) await delay(wait);
}
