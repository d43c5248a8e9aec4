import type { Result } from "@dossier/events";
import { notFound, onError, problem, type Logger, type Metrics } from "@dossier/service";
import { Hono } from "hono";
import type { Failure, Receiver } from "./receive.ts";

/** Seconds after which a sender that could not be served may try again. */
const RETRY_AFTER_SECONDS = 5;

/** The webhook's HTTP face: what each outcome is answered, counted and logged as. See docs/outcomes.md. */
export function ingestApp(receiver: Receiver, maxBodyBytes: number, metrics: Metrics, log: Logger): Hono {
  const webhooks = metrics.meter.createCounter("dossier_webhooks_total", {
    description: "Webhooks by how they were answered.",
  });

  function answer(outcome: Result<string, Failure>): Response {
    if (outcome.ok) {
      webhooks.add(1, { answer: "accepted" });
      return Response.json({ status: "accepted", deliveryId: outcome.value });
    }
    const failure = outcome.error;
    webhooks.add(1, { answer: failure.kind });
    switch (failure.kind) {
      case "unauthenticated":
        log.warn({ refusal: failure.refusal }, "webhook refused");
        return problem(401, "unauthenticated", REFUSALS[failure.refusal]);
      case "too-large":
        log.warn({ maxBodyBytes }, "webhook too large");
        return problem(413, "too-large", `The body is longer than MAX_BODY_BYTES, ${maxBodyBytes} bytes.`, {
          headers: { connection: "close" },
        });
      case "incomplete":
        return problem(400, "incomplete", "The connection ended before the body did: send it again, whole.");
      case "unavailable":
        return problem(503, "unavailable", "The webhook could not be recorded: send it again later.", {
          headers: { "retry-after": String(RETRY_AFTER_SECONDS) },
        });
    }
  }

  return new Hono()
    .post("/webhooks/icomply", async (c) => answer(await receiver.receive(c.req.raw)))
    .all("/webhooks/icomply", () =>
      problem(405, "method-not-allowed", "Webhooks are sent with POST.", { headers: { allow: "POST" } }),
    )
    .notFound(notFound)
    .onError(onError(log));
}

const REFUSALS = {
  "no-signature-and-no-secret":
    "The request has neither an abp-webhook-signature header nor a secret in its payload.",
  "malformed-signature": "abp-webhook-signature is not `sha256=` with 64 hexadecimal digits.",
  "wrong-signature": "abp-webhook-signature fits none of ICOMPLY_WEBHOOK_SECRETS over the bytes that came.",
  "wrong-payload-secret": "The payload's secret is none of ICOMPLY_WEBHOOK_SECRETS.",
} as const;
