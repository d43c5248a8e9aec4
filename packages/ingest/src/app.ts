import type { Result } from "@dossier/events";
import { notFound, onError, problem, type Logger, type Metrics } from "@dossier/service";
import { Hono } from "hono";
import type { Receiver, RejectedWebhook } from "./receive.ts";
import type { VerificationFailure } from "./verify.ts";

const RETRY_AFTER_SECONDS = 5;

/**
 * Returns the HTTP routes of the webhook. What became of a webhook decides the answer, the counter and the log line:
 *
 *   - accepted: 200. It is recorded and will be settled; iComply considers it delivered.
 *   - unauthenticated: 401, logged with the reason. Neither its signature nor its payload's secret verifies.
 *   - too-large: 413 and the connection is closed, logged. The rest of the body is never read.
 *   - incomplete: 400, mostly unread, as the connection ended before the body.
 *   - unavailable: 503 with Retry-After. Postgres did not commit in time, or too many webhooks wait for it.
 *
 * iComply sends again whatever is not answered 200, so nothing else is retried here. See docs/outcomes.md.
 */
export function createApp(receiver: Receiver, maxBodyBytes: number, metrics: Metrics, log: Logger): Hono {
  const webhooks = metrics.meter.createCounter("dossier_webhooks_total", {
    description: "Webhooks by their answer.",
  });

  function answer(received: Result<string, RejectedWebhook>): Response {
    if (received.ok) {
      webhooks.add(1, { answer: "accepted" });
      return Response.json({ status: "accepted", deliveryId: received.value });
    }
    const rejected = received.error;
    webhooks.add(1, { answer: rejected.kind });
    switch (rejected.kind) {
      case "unauthenticated":
        log.warn({ code: "webhook-rejected", reason: rejected.reason }, "webhook rejected");
        return problem(401, "unauthenticated", VERIFICATION_DETAILS[rejected.reason]);
      case "too-large":
        log.warn({ code: "webhook-rejected", reason: "too-large", maxBodyBytes }, "webhook rejected");
        return problem(413, "too-large", `The body is longer than MAX_BODY_BYTES, ${maxBodyBytes} bytes.`, {
          headers: { connection: "close" },
        });
      case "incomplete":
        return problem(400, "incomplete", "The connection ended before the body. Send the webhook again.");
      case "unavailable":
        return problem(503, "unavailable", "The webhook could not be recorded. Send it again later.", {
          headers: { "retry-after": String(RETRY_AFTER_SECONDS) },
        });
    }
  }

  return new Hono()
    .post("/webhooks/icomply", async (c) => answer(await receiver.receive(c.req.raw)))
    .all("/webhooks/icomply", () =>
      problem(405, "method-not-allowed", "Send webhooks with POST.", { headers: { allow: "POST" } }),
    )
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
