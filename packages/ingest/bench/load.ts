// The client of webhooks.ts: a process of its own that keeps a number of connections busy, each with one webhook at a
// time, and tells its parent how long the answers took. It writes HTTP by hand, to take little of the machine.
import { once } from "node:events";
import { connect } from "node:net";
import { scenario, sign } from "@dossier/simulator";

export const SECRET = "whs_ef0dbc12345c418ab4a1cc4c888dea02";

export interface Load {
  readonly port: number;
  readonly connections: number;
  readonly webhooks: number;
  readonly seed: number;
}

/** Times in milliseconds but for the whole. */
export interface Measured {
  readonly seconds: number;
  readonly p50: number;
  readonly p99: number;
  readonly refused: number;
}

const ACCEPTED = Buffer.from("HTTP/1.1 200");

const [argument] = process.argv.slice(2);
if (process.send && argument !== undefined) {
  process.send(await loaded(JSON.parse(argument) as Load));
  process.disconnect();
}

async function loaded({ port, connections, webhooks, seed }: Load): Promise<Measured> {
  const requests = made(webhooks, seed).values();
  const times: number[] = [];
  let refused = 0;

  async function keepBusy(): Promise<void> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    await once(socket, "connect");
    for (const request of requests) {
      const started = performance.now();
      socket.write(request);
      const [answer] = (await once(socket, "data")) as [Buffer];
      times.push(performance.now() - started);
      if (!answer.subarray(0, 12).equals(ACCEPTED)) refused += 1;
    }
    socket.destroy();
  }

  const started = performance.now();
  await Promise.all(Array.from({ length: connections }, keepBusy));
  const seconds = (performance.now() - started) / 1_000;
  times.sort((a, b) => a - b);
  const quantile = (share: number) => times[Math.floor(share * (times.length - 1))] ?? Number.NaN;
  return { seconds, p50: quantile(0.5), p99: quantile(0.99), refused };
}

/** Signed beforehand: the client shares its machine with what is measured. */
function made(count: number, seed: number): Buffer[] {
  const { webhooks } = scenario({ persons: count, seed, duplicates: 0.1, shuffle: 0.1 });
  return Iterator.from(webhooks)
    .take(count)
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
