import type { IncomingMessage } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { err, ok, type Result } from "@dossier/events";
import type { DeliveryQueue } from "@dossier/queue";
import {
  BufferFullError,
  groupCommit,
  outageLog,
  type Logger,
  type OutageLog,
  type Tracing,
} from "@dossier/service";
import { isOutage, isRetryable, recordDeliveries, type Delivery, type Pool } from "@dossier/store";
import type { BodyBudget } from "./body-budget.ts";
import { readBody, type UnreadBody } from "./body.ts";
import { createDeliveryIds } from "./delivery-ids.ts";
import { fingerprint, verify, type VerificationFailure } from "./verify.ts";

/** Why a webhook was not accepted. Nothing of it is kept, except that a commit may still succeed after `unavailable`. */
export type RejectedWebhook =
  | { readonly kind: UnreadBody }
  | { readonly kind: "unauthenticated"; readonly reason: VerificationFailure; readonly body: Buffer }
  | { readonly kind: "unavailable" };

export interface Receiver {
  /** Verifies, records and enqueues a webhook. Returns its delivery id. @param traceparent the request's trace context */
  receive(request: IncomingMessage, traceparent?: string): Promise<Result<string, RejectedWebhook>>;
  /** Resolves when every webhook's commit has ended. */
  idle(): Promise<void>;
}

export interface ReceiverOptions {
  readonly pool: Pool;
  readonly queue: DeliveryQueue;
  readonly secrets: readonly string[];
  readonly maskSecrets: (body: Buffer) => Buffer;
  readonly maxBodyBytes: number;
  /** Memory for the bodies that are being read. */
  readonly budget: BodyBudget;
  /**
   * How long a sender waits for the commit, in milliseconds; then the webhook is `unavailable`, although the commit may
   * still succeed: its redelivery is a duplicate. More tolerates a slower Postgres; less holds fewer open requests.
   */
  readonly commitTimeoutMs: number;
  /** Bytes that may wait for their commit; further webhooks are `unavailable`. More uses more memory. */
  readonly maxBufferedBytes: number;
  readonly outages: OutageLogs;
  readonly tracing?: Tracing | undefined;
  /** Called with the number of recorded deliveries that the queue did not accept; the sweeper enqueues them later. */
  readonly onNotEnqueued: (deliveries: number) => void;
}

export interface OutageLogs {
  readonly postgres: OutageLog;
  readonly queue: OutageLog;
  readonly buffer: OutageLog;
}

export function createOutageLogs(log: Logger): OutageLogs {
  return {
    postgres: outageLog(log, {
      began: { code: "postgres-unavailable", message: "postgres unavailable; answering 503" },
      ended: { code: "postgres-recovered", message: "postgres available again" },
    }),
    queue: outageLog(log, {
      began: { code: "queue-unavailable", message: "queue unavailable; leaving deliveries to the sweeper" },
      ended: { code: "queue-recovered", message: "queue available again" },
    }),
    buffer: outageLog(log, {
      began: { code: "webhook-buffer-full", message: "webhook buffer is full; answering 503" },
      ended: { code: "webhook-buffer-recovered", message: "webhook buffer has room again" },
    }),
  };
}

/** Request headers that are recorded as evidence. */
const RECORDED_HEADERS = [
  "abp-webhook-signature",
  "content-type",
  "content-encoding",
  "user-agent",
  "forwarded",
  "x-forwarded-for",
  "x-request-id",
];

/** Bytes in one commit: 4 MiB are some thousands of usual webhooks, or a few of the largest. */
const MAX_COMMIT_BYTES = 4 * 1024 * 1024;
/** So long a commit waits for the queue to take the deliveries of the one before, which mostly takes it a millisecond. */
const SLOW_QUEUE_MS = 50;
/** In a row, of one commit. It inserts alone, so it hardly has any. */
const MAX_CONFLICTS = 10;
/** What a row weighs beside its body, so that many empty bodies do not make an endless statement. */
const ROW_BYTES = 4 * 1024;

export function createReceiver(options: ReceiverOptions): Receiver {
  const { pool, queue, secrets, maskSecrets, maxBodyBytes, budget } = options;
  const { commitTimeoutMs, maxBufferedBytes, outages, tracing, onNotEnqueued } = options;
  const nextId = createDeliveryIds();
  const fingerprints = secrets.map(fingerprint);
  const fingerprintOf = (secret: string) => fingerprints[secrets.indexOf(secret)] ?? fingerprint(secret);

  const commits = groupCommit(recordAndEnqueue, {
    weigh: ({ body }: Delivery) => body.length + ROW_BYTES,
    maxFlush: MAX_COMMIT_BYTES,
    maxWaiting: maxBufferedBytes,
    timeoutMs: commitTimeoutMs,
  });

  async function receive(
    request: IncomingMessage,
    traceparent?: string,
  ): Promise<Result<string, RejectedWebhook>> {
    const body = await readBody(request, maxBodyBytes, budget);
    if (!body.ok) return err({ kind: body.error });

    const verification = verify(body.value, headerOf(request, "abp-webhook-signature"), secrets);
    if (!verification.ok) {
      return err({ kind: "unauthenticated", reason: verification.error, body: body.value });
    }

    const delivery: Delivery = {
      deliveryId: nextId(),
      body: maskSecrets(body.value),
      headers: headersToRecord(request),
      verifiedBy: verification.value.by,
      secretFingerprint: fingerprintOf(verification.value.secret),
      traceparent,
    };
    return (await commit(delivery)) ? ok(delivery.deliveryId) : err({ kind: "unavailable" });
  }

  /** Returns whether the delivery was committed in time. Waits for the queue too, but does not depend on it. */
  async function commit(delivery: Delivery): Promise<boolean> {
    try {
      const { enqueued } = await commits.submit(delivery);
      await enqueued;
      return true;
    } catch (error) {
      if (error instanceof BufferFullError) reportFullBuffer(error);
      return false;
    }
  }

  /**
   * Each sender waits for the queue, up to the queue's own timeout. The next commit waits too, but not for a slow queue:
   * webhooks that come meanwhile share it, so there are fewer commits, and each webhook costs less.
   */
  async function recordAndEnqueue(deliveries: readonly Delivery[]): Promise<{ enqueued: Promise<void> }[]> {
    const startedAt = Date.now();
    const trace = (failed: boolean) =>
      tracing?.recordBatch({
        operation: "send",
        startedAt,
        failed,
        deliveries: deliveries.length,
        traceparents: deliveries.flatMap(({ traceparent }) => traceparent ?? []),
      });
    try {
      await outages.postgres.watch(() => record(deliveries));
    } catch (error) {
      trace(true);
      throw error;
    }
    const deliveryIds = deliveries.map(({ deliveryId }) => deliveryId);
    const enqueued = outages.queue
      .watch(() => queue.enqueue(deliveryIds))
      .catch(() => onNotEnqueued(deliveryIds.length))
      .finally(() => trace(false));
    await Promise.race([enqueued, delay(SLOW_QUEUE_MS, undefined, { ref: false })]);
    return deliveries.map(() => ({ enqueued }));
  }

  /** Another transaction may be in the way, if the database's default is to serialize them. That is no outage. */
  async function record(deliveries: readonly Delivery[]): Promise<void> {
    for (let conflicts = 0; ; conflicts++) {
      try {
        return await recordDeliveries(pool, deliveries);
      } catch (error) {
        if (isOutage(error) || !isRetryable(error) || conflicts === MAX_CONFLICTS) throw error;
      }
    }
  }

  function reportFullBuffer(error: BufferFullError): void {
    const began = outages.buffer.recordFailure(error);
    if (began) void commits.idle().then(outages.buffer.recordSuccess);
  }

  return { receive, idle: () => commits.idle() };
}

function headersToRecord(request: IncomingMessage): Record<string, string> {
  const recorded: Record<string, string> = {};
  for (const name of RECORDED_HEADERS) {
    const value = headerOf(request, name);
    if (value !== undefined) recorded[name] = value;
  }
  return recorded;
}

function headerOf({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}
