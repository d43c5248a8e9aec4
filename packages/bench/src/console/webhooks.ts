// Sends webhooks at a rate, whatever the answers do, in a process of its own.
import { setTimeout as delay } from "node:timers/promises";
import { answerCalls } from "../child.ts";
import { Connection, createRequests, type Request } from "../http-client.ts";

export interface WebhookLoad {
  readonly port: number;
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

answerCalls(async ({ port, rate, seconds, seed }: WebhookLoad): Promise<SentWebhooks> => {
  const count = rate * seconds;
  const requests = createRequests(count, seed, 0.05);
  const free: Connection[] = [];

  async function send(request: Request): Promise<boolean> {
    const connection = free.pop() ?? new Connection(port);
    const status = await connection.send(request);
    if (status === 0) connection.close();
    else free.push(connection);
    return status === 200;
  }

  const answers: Promise<boolean>[] = [];
  const startedAt = performance.now();
  while (answers.length < count) {
    const due = Math.min(count, Math.ceil(((performance.now() - startedAt) / 1_000) * rate));
    answers.push(...requests.slice(answers.length, due).map(send));
    await delay(TICK_MS);
  }
  const accepted = (await Promise.all(answers)).filter(Boolean).length;
  for (const connection of free) connection.close();
  return { accepted, failed: count - accepted };
});
