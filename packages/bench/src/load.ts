// Load without a pause, in a process of its own: each connection sends its next webhook when the one before is answered.
import { answerCalls } from "./child.ts";
import { Connection, createRequests, type Request } from "./http-client.ts";
import { quantile } from "./statistics.ts";

export interface Load {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  /** How many different webhooks there are; 10 % are redeliveries. */
  readonly webhooks: number;
  /** Of the persons, who are new with each seed. */
  readonly seed: number;
  /** Whether to send them again, once all are sent. */
  readonly again: boolean;
}

export interface Measured {
  readonly webhooks: number;
  readonly refused: number;
  readonly seconds: number;
  /** Latencies in milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

let created: { readonly name: string; readonly requests: readonly Request[] } | undefined;

answerCalls(async ({ port, connections, seconds, webhooks, seed, again }: Load): Promise<Measured> => {
  const name = `${webhooks} ${seed}`;
  if (created?.name !== name) created = { name, requests: createRequests(webhooks, seed, 0.1) };
  const { requests } = created;
  const latencies: number[] = [];
  let sent = 0;
  let refused = 0;
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1_000;

  async function sendInTurn(): Promise<void> {
    const connection = new Connection(port);
    for (let sentAt = performance.now(); sentAt < endsAt; sentAt = performance.now()) {
      const request = requests[again ? sent++ % requests.length : sent++];
      if (request === undefined) break;
      if ((await connection.send(request)) !== 200) refused += 1;
      latencies.push(performance.now() - sentAt);
    }
    connection.close();
  }

  await Promise.all(Array.from({ length: connections }, sendInTurn));
  return {
    webhooks: latencies.length,
    refused,
    seconds: (performance.now() - startedAt) / 1_000,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
  };
});
