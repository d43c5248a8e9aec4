import { UnrecoverableError } from "bullmq";

/**
 * How the processing of a job ended. An `error` is stored in the job for people to read,
 * so it must hold no personal data.
 */
export type JobResult =
  | { readonly kind: "completed" }
  /** An attempt is used up; the next comes after the backoff, after `delayMs`. */
  | { readonly kind: "retry"; readonly error: string; readonly delayMs: number }
  /** The job fails at once, whatever attempts it has left. */
  | { readonly kind: "failed"; readonly error: string };

/** Tells BullMQ of a verdict in its own way: it takes a return as completed, and a throw as failed. */
export function deliver(verdict: JobResult): void {
  switch (verdict.kind) {
    case "completed":
      return;
    case "retry":
      throw new RetryError(verdict.error, verdict.delayMs);
    case "failed":
      throw new UnrecoverableError(verdict.error);
  }
}

/** A failed attempt, with the wait that its verdict asks for, if any. */
export class RetryError extends Error {
  readonly delayMs: number | undefined;

  constructor(message: string, delayMs?: number) {
    super(message);
    this.name = "RetryError";
    this.delayMs = delayMs;
  }
}
