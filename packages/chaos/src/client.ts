import http from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { sign } from "@dossier/simulator";

/** What all requests so far were answered. */
export interface Answers {
  /** The body of each request that was accepted, by the delivery id in its answer. */
  readonly accepted: ReadonlyMap<string, Buffer>;
  readonly requests: number;
  /** Requests that got no 200. Each of them was retried. */
  readonly failed: number;
  /** How often a webhook used up its retries, so that an operator had it sent again. */
  readonly exhausted: number;
  /** Answers that no request may get. */
  readonly wrong: readonly string[];
}

export interface Client {
  /** Sends a webhook as iComply does, until it is accepted or the client is closed. */
  send(body: Buffer): Promise<void>;
  readonly answers: Answers;
  /** Sends nothing more. Every pending `send` resolves before its next retry. */
  close(): void;
}

/** iComply sends at about 0, 1, 3, 7, 15 and 31 minutes. Here a minute is a second. */
const SCHEDULE_MS = [0, 1_000, 3_000, 7_000, 15_000, 31_000] as const;

/** iComply waits 60 s. With that, the requests that wait for a frozen ingest would hold up all others. */
const TIMEOUT_MS = 20_000;

/** 408 comes from an ingest that was frozen during the request. */
const RETRIABLE_STATUSES = new Set([408, 503]);

/** `onAccepted` is called for each webhook that is accepted. */
export function createClient(urls: readonly URL[], secret: string, onAccepted: () => void): Client {
  const agent = new http.Agent({ keepAlive: true });
  const accepted = new Map<string, Buffer>();
  const wrong: string[] = [];
  const counts = { requests: 0, failed: 0, exhausted: 0 };
  let closed = false;

  function post(body: Buffer): Promise<{ status: number; text: string }> {
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
    const url = urls[counts.requests++ % urls.length] ?? "";
    const headers = { "abp-webhook-signature": sign(body, secret), "content-length": body.length };
    const request = http.request(url, { method: "POST", agent, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      response.on("error", reject);
    });
    const timer = setTimeout(() => request.destroy(new Error("no answer in time")), TIMEOUT_MS);
    request.on("close", () => clearTimeout(timer));
    request.on("error", reject);
    request.end(body);
    return promise;
  }

  async function isAccepted(body: Buffer): Promise<boolean> {
    const answer = await post(body).catch(() => undefined);
    if (answer?.status === 200) {
      const { deliveryId } = JSON.parse(answer.text) as { deliveryId: string };
      if (accepted.has(deliveryId)) wrong.push(`two requests were answered with delivery ${deliveryId}`);
      accepted.set(deliveryId, body);
      onAccepted();
      return true;
    }
    if (answer !== undefined && !RETRIABLE_STATUSES.has(answer.status))
      wrong.push(`a request was answered ${answer.status}: ${answer.text}`);
    counts.failed++;
    return false;
  }

  return {
    async send(body) {
      for (;;) {
        let sentMs = 0;
        for (const dueMs of SCHEDULE_MS) {
          await delay(dueMs - sentMs);
          sentMs = dueMs;
          if (closed || (await isAccepted(body))) return;
        }
        counts.exhausted++;
      }
    },
    get answers() {
      return { accepted, wrong, ...counts };
    },
    close() {
      closed = true;
      agent.destroy();
    },
  };
}
