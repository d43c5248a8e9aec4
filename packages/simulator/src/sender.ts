import { createHmac } from "node:crypto";
import { setMaxListeners } from "node:events";
import http from "node:http";
import https from "node:https";
import pRetry, { type Options as RetryOptions } from "p-retry";

/** What became of a webhook. `retries` is how often it was sent again. */
export type SendResult = { readonly retries: number } & (
  | { readonly kind: "accepted"; readonly deliveryId: string }
  /** The answer is about the request: a retry would not change it. */
  | { readonly kind: "refused"; readonly error: string }
  /** No answer came, or one about the server, and no retry was left. */
  | { readonly kind: "unanswered"; readonly error: string }
);

type RetryPolicy = Pick<RetryOptions, "retries" | "minTimeout" | "maxTimeout" | "maxRetryTime" | "randomize">;

/** Returns retries for this many milliseconds: after 0.1 to 0.2 s, then after twice as long each time, at most 5 s. */
export function retryFor(durationMs: number): RetryPolicy {
  const pauses = { minTimeout: 100, maxTimeout: 5_000, randomize: true };
  return { retries: Infinity, maxRetryTime: durationMs, ...pauses };
}

export interface SenderOptions {
  /** Each request goes to the next of them. */
  readonly urls: readonly URL[];
  /** The key of the signatures. */
  readonly secret: string;
  /** Requests at the same time, at most; the others wait. Default: any number. */
  readonly connections?: number;
  /** For how long an answer may take. Default: 60 s, as iComply waits. */
  readonly timeoutMs?: number;
  /** When to send again what was not answered. */
  readonly retry: RetryPolicy;
  /** Called for each request that was not accepted. */
  readonly onFailure?: (failure: SendFailure) => void;
}

/** Why a request was not accepted. */
export class SendFailure extends Error {
  /** The answer's status; `undefined` without one. */
  readonly status: number | undefined;

  constructor(message: string, status?: number) {
    super(message);
    this.status = status;
  }

  /** Whether another attempt may be accepted: the failure is the server's, not the request's. */
  get isRetriable(): boolean {
    return this.status === undefined || this.status >= 500 || this.status === 408 || this.status === 429;
  }
}

export interface Sender {
  /** Signs a body and posts it as iComply does, with retries. Never rejects. */
  send(body: Buffer): Promise<SendResult>;
  /** Sends nothing more. Pending `send`s resolve with `unanswered`. */
  close(): void;
}

export function createSender(options: SenderOptions): Sender {
  const { urls, secret, connections = Infinity, timeoutMs = 60_000, retry, onFailure } = options;
  const agents = {
    "http:": new http.Agent({ keepAlive: true, maxSockets: connections }),
    "https:": new https.Agent({ keepAlive: true, maxSockets: connections }),
  };
  const closed = new AbortController();
  // One for each webhook that waits for a retry.
  setMaxListeners(0, closed.signal);
  let requests = 0;

  /** Returns the delivery's id. Rejects with a SendFailure. */
  async function post(body: Buffer): Promise<string> {
    const url = urls[requests++ % urls.length] as URL;
    const secure = url.protocol === "https:";
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const fail = (error: Error) => reject(new SendFailure(messageOf(error)));
    const headers = {
      "content-type": "application/json",
      "content-length": body.length,
      "abp-webhook-signature": sign(body, secret),
    };
    const agent = agents[secure ? "https:" : "http:"];
    const request = (secure ? https : http).request(url, { method: "POST", agent, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("error", fail).on("end", () => {
        const { deliveryId, code, detail } = parseAnswer(text);
        if (response.statusCode === 200 && deliveryId !== undefined) return resolve(deliveryId);
        const message = [response.statusCode, code, detail].filter(Boolean).join(" ");
        reject(new SendFailure(message, response.statusCode));
      });
    });
    const timer = setTimeout(() => request.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    request.on("close", () => clearTimeout(timer)).on("error", fail);
    request.end(body);
    return promise;
  }

  return {
    async send(body) {
      let retries = 0;
      try {
        const deliveryId = await pRetry(
          (attempt) => {
            retries = attempt - 1;
            return post(body);
          },
          {
            ...retry,
            signal: closed.signal,
            onFailedAttempt: ({ error }) => onFailure?.(error as SendFailure),
            shouldRetry: ({ error }) => (error as SendFailure).isRetriable,
          },
        );
        return { kind: "accepted", deliveryId, retries };
      } catch (error) {
        const isRetriable = !(error instanceof SendFailure) || error.isRetriable;
        return { kind: isRetriable ? "unanswered" : "refused", error: messageOf(error as Error), retries };
      }
    },
    close() {
      closed.abort(new Error("the sender is closed"));
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}

/**
 * Returns the value of iComply's `abp-webhook-signature` header for a body: `sha256=` and the HMAC-SHA256 of the exact
 * bytes in upper-case hexadecimal pairs joined by hyphens. The key is the whole secret in UTF-8, its `whs_` included.
 */
export function sign(body: string | Uint8Array, secret: string): string {
  const digest = createHmac("sha256", secret).update(body).digest("hex").toUpperCase();
  return `sha256=${digest.replace(/..(?=.)/g, "$&-")}`;
}

function parseAnswer(text: string): { deliveryId?: string; code?: string; detail?: string } {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === "object" && json !== null ? json : {};
  } catch {
    return {};
  }
}

/** If a host has several addresses, the error for all of them has a code and no message. */
function messageOf(error: Error): string {
  return error.message || ("code" in error ? String(error.code) : error.name);
}
