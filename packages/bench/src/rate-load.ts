// Webhooks at a rate, whatever the answers do, in a process of its own.
import { setTimeout as delay } from "node:timers/promises";
import { answerCalls } from "./child.ts";
import { createRequests, IdleConnections } from "./http-client.ts";

export interface RateLoad {
  readonly port: number;
  readonly rate: number;
  readonly seconds: number;
  /** Of the persons, who are new with each seed. */
  readonly seed: number;
  /** The share that are redeliveries. */
  readonly duplicates: number;
}

export interface Sent {
  /** When the webhook of each event was due, in milliseconds since 1970: the sender may be late. */
  readonly dueAt: Readonly<Record<string, number>>;
  readonly accepted: number;
  readonly refused: number;
  /** From the first one that was sent to the last answer. */
  readonly seconds: number;
}

answerCalls(async ({ port, rate, seconds, seed, duplicates }: RateLoad): Promise<Sent> => {
  const requests = createRequests(rate * seconds, seed, duplicates);
  const answers: Promise<number>[] = [];
  const idle = new IdleConnections(port);

  async function send(request: (typeof requests)[number]): Promise<number> {
    const connection = idle.take();
    const status = await connection.send(request);
    if (status === 0) connection.close();
    else idle.putBack(connection);
    return status;
  }

  const startedAt = performance.now();
  while (answers.length < requests.length) {
    const due = Math.ceil(((performance.now() - startedAt) / 1_000) * rate);
    answers.push(...requests.slice(answers.length, due).map(send));
    await delay(1);
  }
  const statuses = await Promise.all(answers);
  const took = (performance.now() - startedAt) / 1_000;
  idle.close();
  const dueAt = Object.fromEntries(
    requests.map(({ identity }, n) => [identity, performance.timeOrigin + startedAt + (n / rate) * 1_000]),
  );
  const accepted = statuses.filter((status) => status === 200).length;
  return { dueAt, accepted, refused: statuses.length - accepted, seconds: took };
});
