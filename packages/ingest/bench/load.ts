// The client of webhooks.ts, in a process of its own. It sends one webhook at a time on each of its connections, and
// reports the latencies to its parent. It writes HTTP itself, to use little CPU.
import { once } from "node:events";
import { connect } from "node:net";
import { scenario, sign } from "@dossier/simulator";

export interface Load {
  readonly port: number;
  readonly secret: string;
  readonly connections: number;
  readonly webhooks: number;
  readonly seed: number;
}

export interface Measurement {
  readonly seconds: number;
  /** Latencies in milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly refused: number;
}

const ACCEPTED = Buffer.from("HTTP/1.1 200");

const [argument] = process.argv.slice(2);
if (process.send && argument !== undefined) {
  process.send(await run(JSON.parse(argument) as Load));
  process.disconnect();
}

async function run({ port, secret, connections, webhooks, seed }: Load): Promise<Measurement> {
  const requests = createRequests(webhooks, seed, secret).values();
  const latencies: number[] = [];
  let refused = 0;

  async function sendInTurn(): Promise<void> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    await once(socket, "connect");
    for (const request of requests) {
      const startedAt = performance.now();
      socket.write(request);
      const [answer] = (await once(socket, "data")) as [Buffer];
      latencies.push(performance.now() - startedAt);
      if (!answer.subarray(0, 12).equals(ACCEPTED)) refused += 1;
    }
    socket.destroy();
  }

  const startedAt = performance.now();
  await Promise.all(Array.from({ length: connections }, sendInTurn));
  const seconds = (performance.now() - startedAt) / 1_000;
  latencies.sort((a, b) => a - b);
  const quantile = (share: number) => latencies[Math.floor(share * (latencies.length - 1))] ?? Number.NaN;
  return { seconds, p50: quantile(0.5), p99: quantile(0.99), refused };
}

/** Signed beforehand, since the client runs on the machine that is measured. */
function createRequests(count: number, seed: number, secret: string): Buffer[] {
  const { webhooks } = scenario({ persons: count, seed, duplicates: 0.1, shuffle: 0.1 });
  return Iterator.from(webhooks)
    .take(count)
    .map(({ body }) => {
      const head = [
        "POST /webhooks/icomply HTTP/1.1",
        "host: ingest",
        "content-type: application/json; charset=utf-8",
        `abp-webhook-signature: ${sign(body, secret)}`,
        `content-length: ${body.length}`,
      ];
      return Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), body]);
    })
    .toArray();
}
