import http from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { sign } from "@dossier/simulator";
import { ANSWER_WITHIN_MS, RETRIES_AFTER_MS } from "./times.ts";

/** What became of everything that was sent. */
export interface Ledger {
  /** Bodies by the delivery's id under which each send was accepted. */
  readonly accepted: ReadonlyMap<string, Buffer>;
  readonly sends: number;
  /** Sends that got no 200, and were sent again. */
  readonly refused: number;
  /** Webhooks that iComply gave up, and a person sent again. */
  readonly byHand: number;
  /** Answers that no send may get. */
  readonly wrong: readonly string[];
}

export interface Sender {
  /** Sends a body as iComply does, until it is accepted, or the sender closed. */
  send(body: Buffer): Promise<void>;
  readonly ledger: Ledger;
  /** Sends nothing more: each send under way ends within the longest wait before a retry. */
  close(): void;
}

/** Answers after which a webhook is rightly sent again. 408: the ingest stood still while it came. */
const AGAIN = new Set([408, 503]);

export function createSender(urls: readonly string[], secret: string): Sender {
  const agent = new http.Agent({ keepAlive: true });
  const accepted = new Map<string, Buffer>();
  const wrong: string[] = [];
  let closed = false;
  const counts = { sends: 0, refused: 0, byHand: 0 };

  function post(body: Buffer): Promise<{ status: number; text: string }> {
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
    const url = urls[counts.sends++ % urls.length] ?? "";
    const headers = { "abp-webhook-signature": sign(body, secret), "content-length": body.length };
    const request = http.request(url, { method: "POST", agent, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      response.on("error", reject);
    });
    const timer = setTimeout(() => request.destroy(new Error("no answer in time")), ANSWER_WITHIN_MS);
    request.on("close", () => clearTimeout(timer));
    request.on("error", reject);
    request.end(body);
    return promise;
  }

  async function isAccepted(body: Buffer): Promise<boolean> {
    const answer = await post(body).catch(() => undefined);
    if (answer?.status === 200) {
      const { deliveryId } = JSON.parse(answer.text) as { deliveryId: string };
      if (accepted.has(deliveryId)) wrong.push(`two sends were answered with delivery ${deliveryId}`);
      accepted.set(deliveryId, body);
      return true;
    }
    if (answer !== undefined && !AGAIN.has(answer.status))
      wrong.push(`answered ${answer.status}: ${answer.text}`);
    counts.refused++;
    return false;
  }

  return {
    async send(body) {
      for (;;) {
        let since = 0;
        for (const afterMs of RETRIES_AFTER_MS) {
          await delay(afterMs - since);
          since = afterMs;
          if (closed || (await isAccepted(body))) return;
        }
        counts.byHand++;
      }
    },
    get ledger() {
      return { accepted, wrong, ...counts };
    },
    close() {
      closed = true;
      agent.destroy();
    },
  };
}
