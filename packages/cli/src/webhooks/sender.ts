import http from "node:http";
import https from "node:https";
import { setTimeout as delay } from "node:timers/promises";
import { describeError } from "@dossier/service";
import { sign } from "@dossier/simulator";

/** As long as iComply waits for an answer. */
const ANSWER_WITHIN_MS = 60_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/** How the sending of one webhook ended; `retries` is how often it was sent again before that. */
export type Sent = { readonly retries: number } & (
  | { readonly is: "accepted"; readonly deliveryId: string }
  | { readonly is: "refused"; readonly why: string }
  | { readonly is: "unanswered"; readonly why: string }
);

export interface SenderOptions {
  readonly url: URL;
  readonly secret: string;
  /** How many may be under way at once, each on a connection that is kept for the next. */
  readonly connections: number;
  /** For how long a webhook without an answer is sent again, in milliseconds; 0 sends it once. */
  readonly giveUpAfterMs: number;
}

export interface Sender {
  /** Signs and posts a body as iComply does, again and again where there is hope. */
  send(body: Buffer): Promise<Sent>;
  close(): void;
}

export function createSender({ url, secret, connections, giveUpAfterMs }: SenderOptions): Sender {
  const { request, Agent } = url.protocol === "https:" ? https : http;
  const agent = new Agent({ keepAlive: true, maxSockets: connections });

  function post(body: Buffer): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const headers = {
      "content-type": "application/json",
      "content-length": body.length,
      "abp-webhook-signature": sign(body, secret),
    };
    const posted = request(url, { method: "POST", agent, headers, timeout: ANSWER_WITHIN_MS }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      response.on("error", reject);
    });
    posted.on("timeout", () => posted.destroy(new Error(`no answer within ${ANSWER_WITHIN_MS} ms`)));
    posted.on("error", reject);
    posted.end(body);
    return promise;
  }

  return {
    async send(body) {
      const until = performance.now() + giveUpAfterMs;
      for (let retries = 0; ; retries++) {
        const attempt = await post(body).then(judge, unanswered);
        const pause = pauseAfter(retries);
        if (attempt.is !== "unanswered" || performance.now() + pause > until) return { ...attempt, retries };
        await delay(pause);
      }
    },
    close: () => agent.destroy(),
  };
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

type Attempt = Sent extends infer S ? (S extends unknown ? Omit<S, "retries"> : never) : never;

/** What a server says of itself is worth another try; what it says of the request will not change. */
function judge({ status, text }: Answer): Attempt {
  const { deliveryId, code, detail } = fields(text);
  if (status === 200 && deliveryId !== undefined) return { is: "accepted", deliveryId };
  const why = `${status} ${code ?? ""} ${detail ?? ""}`.trim();
  const passing = status >= 500 || status === 408 || status === 429;
  return { is: passing ? "unanswered" : "refused", why };
}

function unanswered(error: unknown): Attempt {
  return { is: "unanswered", why: describeError(error).message };
}

/** Doubling from 100 ms up to 5 s; the half of it by chance, lest all come back at once. */
function pauseAfter(retries: number): number {
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(retries, 16));
  return longest * (0.5 + Math.random() / 2);
}

function fields(text: string): Partial<Record<string, string>> {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === "object" && json !== null ? json : {};
  } catch {
    return {};
  }
}
