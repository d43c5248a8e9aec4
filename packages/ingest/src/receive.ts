import { err, ok, type Result } from "@dossier/events";
import type { DeliveryQueue } from "@dossier/queue";
import { groupCommit, recordDeliveries, type Delivery, type Pool } from "@dossier/store";
import { v7 as uuidv7 } from "uuid";
import { readBody, type BodyFailure } from "./body.ts";
import { maskSecrets } from "./mask.ts";
import { fingerprint, verify, type Refusal } from "./verify.ts";

/** Why a webhook was not accepted. Nothing of it is kept, and its sender sends it again. */
export type Failure =
  | { readonly kind: BodyFailure }
  | { readonly kind: "unauthenticated"; readonly refusal: Refusal }
  | { readonly kind: "unavailable"; readonly cause: unknown };

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
  /** Told of a job that could not be added: its deliveries are recorded, and the sweeper enqueues them later. */
  readonly onNotEnqueued: (error: unknown, deliveryIds: readonly string[]) => void;
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
/** Bytes that may wait for their commit; beyond it senders are asked to come back later. */
const MAX_WAITING_BYTES = 128 * 1024 * 1024;
/** What a row costs beside its body: so that no flood of empty bodies makes an endless statement. */
const ROW_BYTES = 4 * 1024;

export function createReceiver(options: ReceiverOptions): Receiver {
  const { pool, queue, secrets, maxBodyBytes, onNotEnqueued } = options;

  const commits = groupCommit(recordAndEnqueue, {
    weigh: ({ body }: Delivery) => body.length + ROW_BYTES,
    maxFlush: MAX_COMMIT_BYTES,
    maxWaiting: MAX_WAITING_BYTES,
  });

  /** The next commit does not wait for the queue; each sender does, for as long as the queue's own limit lets it. */
  async function recordAndEnqueue(deliveries: readonly Delivery[]): Promise<{ enqueued: Promise<void> }[]> {
    await recordDeliveries(pool, deliveries);
    const deliveryIds = deliveries.map(({ deliveryId }) => deliveryId);
    const enqueued = queue.enqueue(deliveryIds).catch((error: unknown) => onNotEnqueued(error, deliveryIds));
    return deliveries.map(() => ({ enqueued }));
  }

  async function receive(request: Request): Promise<Result<string, Failure>> {
    const body = await readBody(request, maxBodyBytes);
    if (!body.ok) return err({ kind: body.error });

    const signature = request.headers.get("abp-webhook-signature") ?? undefined;
    const verified = verify(body.value, signature, secrets);
    if (!verified.ok) return err({ kind: "unauthenticated", refusal: verified.error });

    const deliveryId = uuidv7();
    try {
      const { enqueued } = await commits.submit({
        deliveryId,
        body: maskSecrets(body.value, secrets),
        headers: keptHeaders(request.headers),
        verifiedBy: verified.value.by,
        secretFingerprint: fingerprint(verified.value.secret),
      });
      await enqueued;
      return ok(deliveryId);
    } catch (cause) {
      return err({ kind: "unavailable", cause });
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
