// Load for a server that takes webhooks. It sends one webhook at a time on each of its connections, and writes HTTP
// itself, to use little CPU on the machine that is measured.
import { once } from "node:events";
import { connect } from "node:net";
import { scenario, sign } from "@dossier/simulator";
import { answerCalls } from "../child.ts";
import { SECRET } from "../services.ts";
import { quantile } from "../statistics.ts";

export interface Load {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
}

export interface Measured {
  readonly webhooks: number;
  readonly refused: number;
  readonly seconds: number;
  /** Latencies in milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** Sent again and again: ingest records each delivery, whatever is in it. */
const DIFFERENT_WEBHOOKS = 5_000;

const ACCEPTED = Buffer.from("HTTP/1.1 200");

/** Signed beforehand. */
const requests = createRequests();

answerCalls(async ({ port, connections, seconds }: Load): Promise<Measured> => {
  const latencies: number[] = [];
  let refused = 0;
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1_000;

  async function sendInTurn(first: number): Promise<void> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    await once(socket, "connect");
    for (let next = first, now = startedAt; now < endsAt; next += connections) {
      const sentAt = performance.now();
      socket.write(requests[next % requests.length] ?? "");
      const [answer] = (await once(socket, "data")) as [Buffer];
      now = performance.now();
      latencies.push(now - sentAt);
      if (!answer.subarray(0, ACCEPTED.length).equals(ACCEPTED)) refused += 1;
    }
    socket.destroy();
  }

  await Promise.all(Array.from({ length: connections }, (_, index) => sendInTurn(index)));
  return {
    webhooks: latencies.length,
    refused,
    seconds: (performance.now() - startedAt) / 1_000,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
  };
});

function createRequests(): readonly Buffer[] {
  const options = { persons: DIFFERENT_WEBHOOKS, seed: 1, duplicates: 0.1, shuffle: 0.1 };
  return Iterator.from(scenario(options).webhooks)
    .take(DIFFERENT_WEBHOOKS)
    .map(({ body }) => {
      const head = [
        "POST /webhooks/icomply HTTP/1.1",
        "host: ingest",
        "content-type: application/json; charset=utf-8",
        `abp-webhook-signature: ${sign(body, SECRET)}`,
        `content-length: ${body.length}`,
      ];
      return Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), body]);
    })
    .toArray();
}
