import type { InstancePage, StatsAnswer } from "@dossier/console";
import { expect, test } from "vitest";
import { findProblems, type SystemStatus } from "../src/commands/status-problems.ts";

type Instance = InstancePage["items"][number];
const JOBS = { waiting: 0, active: 0, delayed: 0, failed: 3, completed: 0 };

function instance(service: string, overrides: Partial<Instance> = {}): Instance {
  const time = "2026-03-01T12:00:00.0000000Z";
  return {
    ...{ instanceId: crypto.randomUUID(), service, version: "1", host: "h", pid: 1 },
    ...{ state: "alive", startedAt: time, lastSeenAt: time, stoppedAt: null },
    ...{ pausedBecause: null, jobs: 0, rate: 0, settings: {}, ...overrides },
  };
}

function status(
  instances: readonly Instance[],
  { overdue = 0, jobs = JOBS }: { overdue?: number; jobs?: typeof JOBS | null } = {},
): SystemStatus {
  const deliveries = { open: 9, failing: 2, deadLettered: 3, oldestOpenSeconds: 99, overdue };
  return {
    ready: true,
    stats: { deliveries, queue: { backend: "redis", jobs } } as StatsAnswer,
    instances: [...instances],
  };
}

const INGEST = instance("ingest");

test.for<[name: string, status: SystemStatus, ...problems: RegExp[]]>([
  ["all alive", status([INGEST, instance("worker"), instance("worker", { state: "lost" })])],
  ["a console that is not ready", { ready: false, stats: null, instances: [] }, /^The console is not ready/],
  ["no worker alive", status([INGEST, instance("worker", { state: "lost" })]), /^No worker is alive/],
  ["no ingest alive", status([instance("worker")]), /^No ingest is alive/],
  ["nothing alive, overdue", status([], { overdue: 1 }), /^No ingest is alive/, /^No worker is alive/],
  ["no answer of the queue", status([INGEST, instance("worker")], { jobs: null }), /^The queue does not/],
  [
    "every worker paused",
    status([INGEST, instance("worker", { pausedBecause: "queue-unavailable" })], { overdue: 1 }),
    /^Every worker is paused.*\(queue-unavailable\)/,
  ],
  [
    "one of two workers paused",
    status([INGEST, instance("worker"), instance("worker", { pausedBecause: "queue-unavailable" })]),
  ],
  [
    "overdue, held by no worker",
    status([INGEST, instance("worker")], { overdue: 2 }),
    /^2 deliveries are ov/,
  ],
  ["overdue, held by a worker", status([INGEST, instance("worker", { jobs: 1 })], { overdue: 2 })],
  ["overdue, being settled", status([INGEST, instance("worker", { rate: 5 })], { overdue: 2 })],
])("the problems of %s", ([, given, ...problems]) => {
  expect(findProblems(given)).toEqual(problems.map((problem) => expect.stringMatching(problem)));
});
