// Sends webhooks at a rate, whatever the answers do, in a process of its own.
import { setTimeout as delay } from "node:timers/promises";
import { createSender, scenario } from "@dossier/simulator";
import { answerCalls } from "../child.ts";
import { SECRET } from "../services.ts";

export interface WebhookLoad {
  readonly url: string;
  readonly rate: number;
  readonly seconds: number;
  /** Of the persons, who are new with each seed. */
  readonly seed: number;
}

export interface SentWebhooks {
  readonly accepted: number;
  readonly failed: number;
}

const TICK_MS = 10;

answerCalls(async ({ url, rate, seconds, seed }: WebhookLoad): Promise<SentWebhooks> => {
  const count = rate * seconds;
  const { webhooks } = scenario({ persons: count, seed, duplicates: 0.05, shuffle: 0.1 });
  const bodies = Iterator.from(webhooks)
    .take(count)
    .map(({ body }) => body)
    .toArray();
  const sender = createSender({ urls: [new URL(url)], secret: SECRET, retry: { retries: 0 } });
  const answers: Promise<{ kind: string }>[] = [];
  const startedAt = performance.now();
  while (answers.length < count) {
    const due = Math.min(count, Math.ceil(((performance.now() - startedAt) / 1_000) * rate));
    answers.push(...bodies.slice(answers.length, due).map((body) => sender.send(body)));
    await delay(TICK_MS);
  }
  const accepted = (await Promise.all(answers)).filter(({ kind }) => kind === "accepted").length;
  sender.close();
  return { accepted, failed: count - accepted };
});
