import type { IncomingMessage } from "node:http";
import type { Result } from "@dossier/events";
import {
  answerOptions,
  notFound,
  onError,
  problem,
  summedLog,
  traceRequests,
  type Counter,
  type Logger,
  type Metrics,
  type MinuteLog,
  type TraceVariables,
  type Tracing,
} from "@dossier/service";
import { Hono } from "hono";
import { describeRequest } from "./describe-request.ts";
import type { Receiver, RejectedWebhook } from "./receive.ts";
import type { VerificationFailure } from "./verify.ts";

export interface AppOptions {
  readonly receiver: Receiver;
  readonly maxBodyBytes: number;
  readonly maskSecrets: (bytes: Buffer) => Buffer;
  readonly metrics: Metrics;
  /** Counts by minute, beside the metrics. */
  readonly counter: Counter;
  readonly log: Logger;
  /** Sums up the answers of each minute. */
  readonly summary: MinuteLog;
  readonly tracing: Tracing | undefined;
}

/** What the HTTP server passes to a handler beside the request. */
type Env = { Bindings: { readonly incoming: IncomingMessage }; Variables: TraceVariables };

const RETRY_AFTER_SECONDS = 5;
const CLOSE = { connection: "close" };
const RETRY = { "retry-after": String(RETRY_AFTER_SECONDS) };

/**
 * Returns the HTTP routes of the webhook. What became of a webhook decides the answer, the counter and the log line:
 *
 *   - accepted: 200. It is recorded and will be settled; iComply considers it delivered.
 *   - unauthenticated: 401, logged with the reason. Neither its signature nor its payload's secret verifies.
 *   - too-large: 413 and the connection is closed, logged. The rest of the body is never read.
 *   - too-many-chunks: 400 and the connection is closed, logged. The chunks cost more than their bytes.
 *   - dropped: 503 with Retry-After, logged. Others needed the memory of its unfinished body. Its rest is discarded: a sender
 *     that is cut off may not see the answer. If it has not ended after half a second, @hono/node-server closes the connection.
 *   - incomplete: 400, mostly unread, as the connection ended before the body.
 *   - unavailable: 503 with Retry-After. Postgres did not commit in time, or too many webhooks wait for it.
 *
 * iComply sends again whatever is not answered 200, so nothing else is retried here. See docs/outcomes.md.
 */
export function createApp({
  receiver,
  maxBodyBytes,
  maskSecrets,
  metrics,
  counter,
  log,
  summary,
  tracing,
}: AppOptions): Hono<Env> {
  const webhooks = metrics.meter.createCounter("dossier_webhooks_total", {
    description: "Webhooks by their answer.",
  });
  const unauthenticatedByReason = metrics.meter.createCounter("dossier_unauthenticated_webhooks_total", {
    description: "Webhooks refused as unauthenticated, by what was wrong.",
  });
  const inARow = new Map(VERIFICATION_FAILURES.map((reason) => [reason, 0]));
  metrics.meter
    .createObservableGauge("dossier_unauthenticated_webhooks_in_a_row", {
      description:
        "Webhooks refused as unauthenticated since this ingest accepted one. Many with a wrong signature: a wrong secret.",
    })
    .addCallback((gauge) => {
      for (const [reason, refused] of inARow) gauge.observe(refused, { reason });
    });
  // Summed up, since anybody can cause any number of them.
  const rejections = summedLog(log, { level: "warn", code: "webhook-rejected", message: "webhook rejected" });

  function count(answered: "accepted" | RejectedWebhook["kind"]): void {
    webhooks.add(1, { answer: answered });
    if (answered === "accepted") for (const reason of inARow.keys()) inARow.set(reason, 0);
    counter.add(`webhook/${answered}`);
    summary.add(answered);
  }

  function answer(incoming: IncomingMessage, received: Result<string, RejectedWebhook>): Response {
    if (received.ok) {
      count("accepted");
      log.debug({ code: "webhook-accepted", deliveryId: received.value }, "webhook accepted");
      return Response.json({ status: "accepted", deliveryId: received.value });
    }
    const rejected = received.error;
    count(rejected.kind);
    const logRejection = (reason: string, body?: Buffer) =>
      rejections.record(reason, () => describeRequest(incoming, body, maskSecrets));
    switch (rejected.kind) {
      case "unauthenticated":
        unauthenticatedByReason.add(1, { reason: rejected.reason });
        inARow.set(rejected.reason, (inARow.get(rejected.reason) ?? 0) + 1);
        logRejection(rejected.reason, rejected.body);
        return problem(401, "unauthenticated", VERIFICATION_DETAILS[rejected.reason]);
      case "too-large":
        logRejection(rejected.kind);
        return problem(413, "too-large", `The body is longer than MAX_BODY_BYTES, ${maxBodyBytes} bytes.`, {
          headers: CLOSE,
        });
      case "too-many-chunks":
        logRejection(rejected.kind);
        return problem(400, "too-many-chunks", "The body's chunks are too small. Send it in larger ones.", {
          headers: CLOSE,
        });
      case "dropped":
        logRejection(rejected.kind);
        return problem(
          503,
          "unavailable",
          "The body took too long under load. Send the webhook again later.",
          { headers: RETRY },
        );
      case "incomplete":
        return problem(400, "incomplete", "The connection ended before the body. Send the webhook again.");
      case "unavailable":
        return problem(503, "unavailable", "The webhook could not be recorded. Send it again later.", {
          headers: RETRY,
        });
    }
  }

  const app = new Hono<Env>();
  if (tracing !== undefined) app.use("/webhooks/*", traceRequests(tracing));
  return app
    .post("/webhooks/icomply", async (c) => {
      const { incoming } = c.env;
      return answer(incoming, await receiver.receive(incoming, c.get("traceparent")));
    })
    .options("/webhooks/icomply", answerOptions("POST"))
    .all("/webhooks/icomply", () =>
      problem(405, "method-not-allowed", "Send webhooks with POST.", { headers: { allow: "POST" } }),
    )
    .options("*", answerOptions("GET, HEAD"))
    .notFound(notFound)
    .onError(onError(log));
}

const VERIFICATION_DETAILS: Readonly<Record<VerificationFailure, string>> = {
  "no-signature-and-no-secret":
    "The request has no abp-webhook-signature header, and its payload has no secret.",
  "malformed-signature": "abp-webhook-signature must be `sha256=` and 64 hexadecimal digits.",
  "wrong-signature": "No secret in ICOMPLY_WEBHOOK_SECRETS produces abp-webhook-signature for this body.",
  "wrong-payload-secret": "The payload's secret is not in ICOMPLY_WEBHOOK_SECRETS.",
};

const VERIFICATION_FAILURES = Object.keys(VERIFICATION_DETAILS) as VerificationFailure[];
