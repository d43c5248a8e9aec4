import { err, ok, type Result } from "@dossier/events";
import type { DeliveryQueue } from "@dossier/queue";
import { groupCommit, BufferFullError, outageLog, type Logger, type OutageLog } from "@dossier/service";
import { recordDeliveries, type Delivery, type Pool } from "@dossier/store";
import pTimeout from "p-timeout";
import { v7 as uuidv7 } from "uuid";
import { readBody, type BodyFailure } from "./body.ts";
import { secretMask } from "./mask.ts";
import { fingerprint, verify, type Refusal } from "./verify.ts";

/** Why a webhook was not accepted. Nothing of it is kept, and its sender sends it again. */
export type Failure =
  | { readonly kind: BodyFailure }
  | { readonly kind: "unauthenticated"; readonly refusal: Refusal }
  | { readonly kind: "unavailable" };

export interface Receiver {
  /** Verifies, records and enqueues a webhook; gives the id under which it is kept. */
  receive(request: Request): Promise<Result<string, Failure>>;
  /** Resolves when everything taken in is recorded or has failed. */
  idle(): Promise<void>;
}

export interface ReceiverOptions {
  readonly pool: Pool;
  readonly queue: DeliveryQueue;
  readonly secrets: readonly string[];
  readonly maxBodyBytes: number;
  /**
   * Milliseconds that a sender waits for the commit; then it is told to come back, although the commit may still
   * come: its redelivery is a duplicate. Longer rides out a slower Postgres; shorter holds fewer requests meanwhile.
   */
  readonly commitWithinMs: number;
  /** Bytes that may wait for their commit; beyond them senders are told to come back. More needs more memory. */
  readonly maxWaitingBytes: number;
  readonly outages: OutageLogs;
  /** Told how many recorded deliveries the queue did not take: the sweeper enqueues them later. */
  readonly onNotEnqueued: (deliveries: number) => void;
}

export interface OutageLogs {
  readonly postgres: OutageLog;
  readonly queue: OutageLog;
  /** More webhooks wait for their commit than memory is given for. */
  readonly buffer: OutageLog;
}

export function outageLogs(log: Logger): OutageLogs {
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

/** Request headers that are kept as evidence. */
const KEPT_HEADERS = [
  "abp-webhook-signature",
  "content-type",
  "content-encoding",
  "user-agent",
  "forwarded",
  "x-forwarded-for",
  "x-request-id",
];

/** Bytes in one commit: 4 MiB are some thousands of everyday webhooks, or a few of the largest. */
const MAX_COMMIT_BYTES = 4 * 1024 * 1024;
/** What a row costs beside its body: so that no flood of empty bodies makes an endless statement. */
const ROW_BYTES = 4 * 1024;

export function createReceiver(options: ReceiverOptions): Receiver {
  const { pool, queue, secrets, maxBodyBytes, commitWithinMs, maxWaitingBytes, outages, onNotEnqueued } =
    options;
  const mask = secretMask(secrets);

  const commits = groupCommit(recordAndEnqueue, {
    weigh: ({ body }: Delivery) => body.length + ROW_BYTES,
    maxFlush: MAX_COMMIT_BYTES,
    maxWaiting: maxWaitingBytes,
  });

  /** The next commit does not wait for the queue; each sender does, for as long as the queue's own limit lets it. */
  async function recordAndEnqueue(deliveries: readonly Delivery[]): Promise<{ enqueued: Promise<void> }[]> {
    await outages.postgres.watch(() => recordDeliveries(pool, deliveries));
    const deliveryIds = deliveries.map(({ deliveryId }) => deliveryId);
    const enqueued = outages.queue
      .watch(() => queue.enqueue(deliveryIds))
      .catch(() => onNotEnqueued(deliveryIds.length));
    return deliveries.map(() => ({ enqueued }));
  }

  async function receive(request: Request): Promise<Result<string, Failure>> {
    const body = await readBody(request, maxBodyBytes);
    if (!body.ok) return err({ kind: body.error });

    const signature = request.headers.get("abp-webhook-signature") ?? undefined;
    const verified = verify(body.value, signature, secrets);
    if (!verified.ok) return err({ kind: "unauthenticated", refusal: verified.error });

    const deliveryId = uuidv7();
    const commit = commits.submit({
      deliveryId,
      body: mask(body.value),
      headers: keptHeaders(request.headers),
      verifiedBy: verified.value.by,
      secretFingerprint: fingerprint(verified.value.secret),
    });
    try {
      const { enqueued } = await pTimeout(commit, { milliseconds: commitWithinMs });
      await enqueued;
      return ok(deliveryId);
    } catch (error) {
      const full = error instanceof BufferFullError && outages.buffer.recordFailure(error);
      if (full) void commits.idle().then(outages.buffer.recordSuccess);
      return err({ kind: "unavailable" });
    }
  }

  return { receive, idle: () => commits.idle() };
}

function keptHeaders(headers: Headers): Record<string, string> {
  return Object.fromEntries(
    KEPT_HEADERS.flatMap((name) => {
      const value = headers.get(name);
      return value === null ? [] : [[name, value]];
    }),
  );
}
