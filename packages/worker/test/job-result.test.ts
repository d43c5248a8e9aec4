import { stalled, type Outcome } from "@dossier/events";
import type { JobResult } from "@dossier/queue";
import { expect, test } from "vitest";
import { jobResult } from "../src/job-handler.ts";

const RESULTS: [Outcome, JobResult][] = [
  [{ kind: "applied" }, { kind: "completed" }],
  [{ kind: "duplicate" }, { kind: "completed" }],
  [{ kind: "not-open" }, { kind: "completed" }],
  [{ kind: "snoozed", error: "cancelled" }, { kind: "completed" }],
  [
    { kind: "failed", error: "broken", attempt: 2, retryInMs: 1_500 },
    { kind: "retry", error: "broken", delayMs: 1_500 },
  ],
  [
    { kind: "dead-lettered", deadLetter: stalled() },
    { kind: "failed", error: expect.stringContaining("stalled: ") as string },
  ],
];

test.each(RESULTS)("the job of a single delivery ends by its outcome: %o", (outcome, expected) => {
  expect(jobResult(outcome)).toEqual(expected);
});
