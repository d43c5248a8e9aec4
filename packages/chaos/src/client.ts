import { createSender } from "@dossier/simulator";

/** What all requests so far were answered. */
export interface Answers {
  /** The body of each request that was accepted, by the delivery id in its answer. */
  readonly accepted: Map<string, Buffer>;
  /** Answers that no request may get. */
  readonly wrong: string[];
  /** How many requests were not accepted. */
  failed: number;
  /** How often a webhook used up its retries, so that an operator had it sent again. */
  exhausted: number;
}

/** When it is disposed of, it sends nothing more, and every pending `send` resolves. */
export interface Client extends Disposable {
  /** Sends a webhook as iComply does, until it is accepted or the client is disposed of. */
  send(body: Buffer): Promise<void>;
}

/** iComply sends at about 0, 1, 3, 7, 15 and 31 minutes. Here a minute is a second. */
const RETRY = { retries: 5, minTimeout: 1_000 };

/** iComply waits 60 s. With that, the requests that wait for a frozen ingest would hold up all others. */
const TIMEOUT_MS = 20_000;

/** 408 comes from an ingest that was frozen during the request. */
const OUTAGE_STATUSES = new Set([408, 503]);

export interface ClientOptions {
  readonly urls: readonly URL[];
  readonly secret: string;
  /** Gets all answers. */
  readonly answers: Answers;
  readonly onAccepted: () => void;
}

export function createClient({ urls, secret, answers, onAccepted }: ClientOptions): Client {
  const { accepted, wrong } = answers;
  let closed = false;
  const sender = createSender({
    urls,
    secret,
    timeoutMs: TIMEOUT_MS,
    retry: RETRY,
    onFailure({ status, message }) {
      answers.failed += 1;
      if (status !== undefined && !OUTAGE_STATUSES.has(status))
        wrong.push(`a request was answered ${message}`);
    },
  });

  return {
    async send(body) {
      while (!closed) {
        const result = await sender.send(body);
        if (result.kind === "refused") return;
        if (result.kind === "accepted") {
          const { deliveryId } = result;
          if (accepted.has(deliveryId)) wrong.push(`two requests were answered with delivery ${deliveryId}`);
          accepted.set(deliveryId, body);
          return onAccepted();
        }
        answers.exhausted += 1;
      }
    },
    [Symbol.dispose]() {
      closed = true;
      sender.close();
    },
  };
}
