// Webhooks at a rate for a long time, invented while they are sent, in a process of its own.
import { setTimeout as delay } from "node:timers/promises";
import { scenario, type Webhook } from "@dossier/simulator";
import { answerCalls } from "../child.ts";
import { IdleConnections, toRequest } from "../http-client.ts";

export interface SoakLoad {
  readonly port: number;
  readonly rate: number;
  readonly seconds: number;
  /** Of the persons, who are new with each seed. */
  readonly seed: number;
  /** The least size of a body. */
  readonly bytes: number;
}

/** How many webhooks got an answer with each status; 0 for none; and how many were `not sent`. */
export type Statuses = Readonly<Record<string, number>>;

/** So many connections may wait for an answer. A webhook that is due beyond is not sent. */
const MAX_WAITING = 4_000;

answerCalls(async ({ port, rate, seconds, seed, bytes }: SoakLoad): Promise<Statuses> => {
  const { webhooks } = scenario({ persons: 2 ** 31, seed, duplicates: 0.05, shuffle: 0.1 });
  const requests = Iterator.from(webhooks).map((webhook) => toRequest(pad(webhook, bytes)));
  const statuses: Record<string, number> = {};
  const idle = new IdleConnections(port);
  let waiting = 0;

  async function send(): Promise<void> {
    const request = requests.next();
    if (request.done === true) throw new Error("there are no more webhooks");
    waiting += 1;
    const connection = idle.take();
    const status = await connection.send(request.value);
    waiting -= 1;
    statuses[status] = (statuses[status] ?? 0) + 1;
    if (status === 200) idle.putBack(connection);
    else connection.close();
  }

  const answers = new Set<Promise<void>>();
  const startedAt = performance.now();
  let due = 0;
  for (let passed = 0; passed < seconds; passed = (performance.now() - startedAt) / 1_000) {
    for (; due < passed * rate; due++) {
      if (waiting >= MAX_WAITING) {
        statuses["not sent"] = (statuses["not sent"] ?? 0) + 1;
        continue;
      }
      const answer = send().finally(() => answers.delete(answer));
      answers.add(answer);
    }
    await delay(1);
  }
  await Promise.all(answers);
  idle.close();
  return statuses;
});

/** Returns a webhook whose body has blanks up to so many bytes. */
function pad(webhook: Webhook, bytes: number): Webhook {
  const blanks = Buffer.alloc(Math.max(0, bytes - webhook.body.length), " ");
  return { ...webhook, body: Buffer.concat([webhook.body, blanks]) };
}
